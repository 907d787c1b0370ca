// What is stored over HTTP: sizes, bounds, backups, exports. Each asks the console by the method that windows use.
import { methodSchemas } from '../protocol/consoleWire.ts';
import { refusal, refused } from '../protocol/outcome.ts';
import { backupPlanSchema, retentionSchema } from '../protocol/storage.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, jsonOf, type Operation } from './operation.ts';

const { startBackup, startExport } = methodSchemas;
const job = { name: 'StorageJob', status: 200, example: examples.storageJob } as const;
const refusesJob = ['too_many', 'wrong_state'] as const;

export const storageOperations: readonly Operation[] = [
  {
    id: 'getStorage',
    method: 'GET',
    path: '/storage',
    about: 'Sizes of journal and history, what is kept and for how long, the backup plan, and long work.',
    answer: { name: 'StorageState', status: 200, example: examples.storage },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('getStorage', {})),
  },
  {
    id: 'setRetention',
    method: 'PUT',
    path: '/storage/retention',
    about: 'Sets all bounds of what is kept. What is beyond them goes within moments, oldest first.',
    body: { name: 'Retention', schema: retentionSchema, example: examples.retention },
    answer: { name: 'Retention', status: 200, example: examples.retention },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('setRetention', body ?? {})),
  },
  {
    id: 'setBackupPlan',
    method: 'PUT',
    path: '/storage/backup-plan',
    about:
      'Sets where backups are made by themselves, how often, and how many are kept. No folder: none are made.',
    body: { name: 'BackupPlan', schema: backupPlanSchema, example: examples.backupPlan },
    answer: { name: 'BackupPlan', status: 200, example: examples.backupPlan },
    refuses: ['wrong_state'],
    run: async ({ caller, body }) => jsonOf(await caller.call('setBackupPlan', body ?? {})),
  },
  {
    id: 'startBackup',
    method: 'POST',
    path: '/storage/backups',
    about:
      'Begins a backup into a new folder below `folder`, or below that of the plan. Answers at once with its job, ' +
      'which `GET /storage` shows on its way.',
    body: { name: 'BackupFolder', schema: startBackup, isOptional: true, example: { folder: '/backup' } },
    answer: job,
    refuses: refusesJob,
    run: async ({ caller, body }) => jsonOf(await caller.call('startBackup', body ?? {})),
  },
  {
    id: 'startExport',
    method: 'POST',
    path: '/storage/exports',
    about:
      'Begins to write the ended tasks that match into a new file below `folder`, or below `exports` in the data ' +
      'folder. Answers at once with its job.',
    body: {
      name: 'Export',
      schema: startExport,
      example: { format: 'csv', filter: { queue: 'default', states: ['dead_letter'] } },
    },
    answer: job,
    refuses: refusesJob,
    run: async ({ caller, body }) => jsonOf(await caller.call('startExport', body ?? {})),
  },
  {
    id: 'cancelJob',
    method: 'POST',
    path: '/storage/jobs/{jobId}/cancel',
    about:
      'Ends a job that runs. What a backup or an export made goes with it; what an act did to tasks stays. ' +
      '`GET /storage` tells when it has ended.',
    answer: job,
    refuses: ['wrong_state'],
    run: cancelJob,
  },
];

async function cancelJob({ caller, path }: Ask): Promise<Answer> {
  const text = path['jobId'] ?? '';
  if (/^\d{1,15}$/.test(text)) return jsonOf(await caller.call('cancelJob', { jobId: Number(text) }));
  return refused(refusal('bad_message', 'a job id is a whole number from 1', { field: 'jobId' }));
}

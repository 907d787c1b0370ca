// A made-up disk for looking at the storage page: sizes that grow, jobs that go on, counts by group, a slow search.
import { ms } from '../../scheduler/protocol/brands.ts';
import type { Params } from '../../scheduler/protocol/consoleWire.ts';
import type { BackupPlan, Retention, StorageJob, StorageState } from '../../scheduler/protocol/storage.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';
import * as plant from './fakePlant.ts';

const startedAtMs = Date.now();
const day = 86_400_000;
const gib = 1_024 ** 3;
let retention: Retention = { tasksMax: 10_000_000, daysMax: 90, logBytesMax: 8 * gib };
let plan: BackupPlan = { folder: '/mnt/second/millrace', everyHours: 24, keep: 7 };
const failed: StorageJob = {
  jobId: 1,
  kind: 'backup',
  actor: 'schedule',
  state: 'failed',
  startedAtMs: ms(startedAtMs - day),
  endedAtMs: ms(startedAtMs - day + 400),
  done: 0,
  total: 0,
  message: '/mnt/second/millrace cannot be written (ENOSPC): make room there or name another folder',
};
const made: StorageJob[] = [failed];
const jobSeconds = 12;

/** How a job is now: it goes on by the clock. */
function nowOf(job: StorageJob): StorageJob {
  if (job.state !== 'running') return job;
  const done = Math.floor(((Date.now() - job.startedAtMs) / (jobSeconds * 1_000)) * job.total);
  const isBulk = job.kind === 'requeue' || job.kind === 'cancel';
  const skipped = [{ reason: 'changed', tasks: 31, message: 'T-9X is running by now' }] as const;
  const tally = isBulk ? { bulk: { changed: Math.max(0, done - 31), skipped } } : {};
  if (done < job.total) return { ...job, done, ...tally };
  if (isBulk)
    return {
      ...job,
      state: 'done',
      done: job.total,
      endedAtMs: ms(Date.now()),
      bulk: { changed: job.total - 31, skipped, ...(job.kind === 'requeue' && { canBeCancelled: true }) },
    };
  return { ...job, state: 'done', done: job.total, bytes: 3.1 * gib, endedAtMs: ms(Date.now()) };
}
function start(kind: StorageJob['kind'], path: string | undefined, total: number): StorageJob {
  const jobId = made.length + 1;
  const job: StorageJob = {
    jobId,
    kind,
    actor: 'operator',
    state: 'running',
    startedAtMs: ms(Date.now()),
    done: 0,
    total,
    ...(path !== undefined && { path }),
  };
  made.unshift(job);
  return job;
}
function state(): StorageState {
  return {
    dataFolder: '/var/lib/millrace',
    freeBytes: Number(process.env['FREE_GIB'] ?? 212) * gib,
    journal: { bytes: 148e6, replayBytes: 21e6, isSnapshotUnderWay: false },
    history: {
      bytes: 4.9 * gib,
      tasks: 4_211_903,
      logBytes: 1.3 * gib,
      oldestEndedAtMs: ms(startedAtMs - 17.3 * day),
    },
    retention,
    backup: {
      ...plan,
      lastAtMs: ms(startedAtMs - 9 * 3_600_000),
      nextAtMs: ms(startedAtMs + 15 * 3_600_000),
    },
    jobs: made.map(nowOf),
  };
}

export const storageAnswers: Record<string, (params: never) => unknown> = {
  getStorage: state,
  setRetention: (next: Retention) => {
    retention = next;
    return next;
  },
  setBackupPlan: (next: BackupPlan) => {
    plan = next;
    return next;
  },
  startBackup: ({ folder = plan.folder ?? '' }: Params<'startBackup'>) =>
    start('backup', `${folder}/millrace-20261123-104500`, 1_240_000),
  startExport: ({ format }: Params<'startExport'>) =>
    start('export', `/var/lib/millrace/exports/tasks-20261123-104500.${format}`, 118_022),
  previewBulk: ({ act }: Params<'previewBulk'>) => ({
    states: [{ state: act === 'cancel' ? 'running' : 'dead_letter', tasks: 12_431 }],
    total: 12_431,
    isEstimate: false,
    unbegun: act === 'cancel' ? 2_000 : 0,
  }),
  startBulk: ({ act }: Params<'startBulk'>) => start(act, undefined, 12_431),
  cancelJob: ({ jobId }: Params<'cancelJob'>) => {
    const at = made.findIndex((job) => job.jobId === jobId);
    made[at] = { ...nowOf(made[at] ?? failed), state: 'cancelled' };
    return made[at];
  },
  countTasks: ({ filter, by }: Params<'countTasks'>) => {
    const counts = new Map<string, number>();
    for (let id = plant.newestTask(); id > Math.max(0, plant.newestTask() - 60_000); id--) {
      const row = plant.taskAt(id);
      if (plant.matches(row, filter)) counts.set(keyOf(row, by), (counts.get(keyOf(row, by)) ?? 0) + 1);
    }
    const groups = [...counts].map(([key, tasks]) => ({ key, tasks })).sort((a, b) => b.tasks - a.tasks);
    const total = groups.reduce((sum, { tasks }) => sum + tasks, 0);
    return { groups: groups.slice(0, 40), total, beyond: 0, isEstimate: true, asOfMs: Date.now(), tookMs: 8 };
  },
};
function keyOf(row: TaskRow, by: Params<'countTasks'>['by']): string {
  if (by === 'node') return row.nodeId ?? '';
  if (by === 'hour') return new Date(row.submittedAtMs).toISOString().slice(0, 13);
  if (by === 'day') return new Date(row.submittedAtMs).toISOString().slice(0, 10);
  return row[by];
}

/** A search that looks at so many tasks at a time: long enough to see it going on. */
export const lookedAtATime = 4_000;

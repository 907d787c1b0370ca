// What-ifs over HTTP. Each asks the console by the method that windows use.
import { refusal, refused } from '../protocol/outcome.ts';
import { whatIfMethodSchemas } from '../protocol/whatIf.ts';
import { type Answer, type Ask, jsonOf, type Operation } from './operation.ts';

const run = {
  runId: 1,
  actor: 'program@127.0.0.1',
  state: 'running',
  fromMs: 1_793_990_000_000,
  untilMs: 1_793_997_200_000,
  startedAtMs: 1_794_000_000_000,
  progress: 0.4,
  message: 'runs the load with the changes',
};

export const whatIfOperations: readonly Operation[] = [
  {
    id: 'startWhatIf',
    method: 'POST',
    path: '/what-if',
    about:
      'Runs a span of recorded load again through the same scheduler on a copy, without and with changes. Answers at ' +
      'once; `GET /what-if` tells how far it is and what came of it.',
    body: {
      name: 'WhatIf',
      schema: whatIfMethodSchemas.startWhatIf,
      example: {
        fromMs: 1_793_990_000_000,
        untilMs: 1_793_997_200_000,
        changes: [{ kind: 'drain', select: { line: 'BOD-L08' } }],
      },
    },
    answer: { name: 'WhatIfRun', status: 200, example: run },
    refuses: ['too_many'],
    run: async ({ caller, body }) => jsonOf(await caller.call('startWhatIf', body ?? {})),
  },
  {
    id: 'getWhatIf',
    method: 'GET',
    path: '/what-if',
    about: 'The newest what-if since the start of the hub: its progress, or both outcomes side by side.',
    answer: { name: 'WhatIfNewest', status: 200, example: { run } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('getWhatIf', {})),
  },
  {
    id: 'cancelWhatIf',
    method: 'POST',
    path: '/what-if/{runId}/cancel',
    about: 'Ends a what-if that runs.',
    answer: { name: 'WhatIfRun', status: 200, example: { ...run, state: 'cancelled' } },
    refuses: ['wrong_state'],
    run: cancelRun,
  },
];

async function cancelRun({ caller, path }: Ask): Promise<Answer> {
  const text = path['runId'] ?? '';
  if (/^\d{1,15}$/.test(text)) return jsonOf(await caller.call('cancelWhatIf', { runId: Number(text) }));
  return refused(refusal('bad_message', 'a run id is a whole number from 1', { field: 'runId' }));
}

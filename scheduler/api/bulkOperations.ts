// One act on all tasks that match, over HTTP: how many there are, and the job that does it.
import { methodSchemas } from '../protocol/consoleWire.ts';
import * as examples from './examples.ts';
import { jsonOf, type Operation } from './operation.ts';

const { previewBulk, startBulk } = methodSchemas;
const asked = { act: 'requeue', filter: { queue: 'default', states: ['dead_letter'] } };

export const bulkOperations: readonly Operation[] = [
  {
    id: 'previewBulk',
    method: 'POST',
    path: '/tasks/bulk/preview',
    about: 'How many tasks a requeue or a cancel of all that match would hit now, by state. Nothing is done.',
    body: { name: 'BulkAsk', schema: previewBulk, example: asked },
    answer: {
      name: 'BulkPreview',
      status: 200,
      example: {
        states: [{ state: 'dead_letter', tasks: 12_431 }],
        total: 12_431,
        isEstimate: false,
        unbegun: 0,
      },
    },
    refuses: [],
    run: async ({ caller, body }) => jsonOf(await caller.call('previewBulk', body ?? {})),
  },
  {
    id: 'startBulk',
    method: 'POST',
    path: '/tasks/bulk',
    about:
      'Begins to put back (`requeue`: name the states dead_letter, cancelled or both) or to cancel all tasks that ' +
      'match. With `act: cancel` and `ofJob` in place of `filter`: those that an earlier requeue put back. Answers ' +
      'at once with its job, which `GET /storage` shows on its way and `POST /storage/jobs/{jobId}/cancel` stops ' +
      'where it is. Tasks that changed meanwhile are left as they are, and counted.',
    body: { name: 'BulkStart', schema: startBulk, example: asked },
    answer: { name: 'StorageJob', status: 200, example: examples.bulkJob },
    refuses: ['too_many', 'wrong_state'],
    run: async ({ caller, body }) => jsonOf(await caller.call('startBulk', body ?? {})),
  },
];

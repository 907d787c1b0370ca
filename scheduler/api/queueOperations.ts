// Queues and tenants over HTTP. Each asks the console by the method that windows use.
import type { GenericSchema } from 'valibot';
import { queueChangeSchema, tenantChangeSchema } from '../protocol/queue.ts';
import { refusal, refused } from '../protocol/outcome.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, json, jsonOf, ofBody, type Operation } from './operation.ts';
import { removal } from './removal.ts';

export const queueOperations: readonly Operation[] = [
  {
    id: 'listQueues',
    method: 'GET',
    path: '/queues',
    about:
      'All queues with their settings, what waits in them, what they have of the plant, and what holds them.',
    answer: { name: 'QueueList', status: 200, example: { queues: [examples.queue] } },
    refuses: [],
    run: async ({ caller }) => {
      const summary = await caller.call('getSummary', {});
      return summary.ok ? json({ queues: summary.value.queues }) : summary;
    },
  },
  {
    id: 'putQueue',
    method: 'PUT',
    path: '/queues/{queue}',
    about:
      'Makes a queue, or changes what the body names of it; the rest stays. Null takes a bound away. ' +
      '`mode`: paused takes tasks and starts none, draining takes none and finishes what it has.',
    body: { name: 'QueueChange', schema: queueChangeSchema, example: { weight: 2, runningMax: 500 } },
    answer: { name: 'QueueAnswer', status: 200, example: { queue: 'press-3' } },
    refuses: ['too_many'],
    run: (ask) => put(ask, 'putQueue'),
  },
  removal('removeQueue', {
    path: '/queues/{queue}',
    about: 'Takes away a queue that has no live task. Drain it first.',
    refuses: ['unknown_queue', 'wrong_state'],
  }),
  {
    id: 'listTenants',
    method: 'GET',
    path: '/tenants',
    about: 'Tenants that have settings or live tasks, and what they have of the plant.',
    answer: { name: 'TenantList', status: 200, example: { tenants: [examples.tenant] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listTenants', {})),
  },
  {
    id: 'putTenant',
    method: 'PUT',
    path: '/tenants/{tenant}',
    about: 'Sets what the body names of a tenant; the rest stays. Null takes a bound away.',
    body: bodyOf('TenantChange', tenantChangeSchema, { weight: 3, burst: { cpu: 64_000 } }),
    answer: { name: 'TenantAnswer', status: 200, example: { tenant: 'press-shop' } },
    refuses: ['too_many'],
    run: (ask) => put(ask, 'putTenant'),
  },
  removal('removeTenant', {
    path: '/tenants/{tenant}',
    about: 'Takes the settings of a tenant away: weight 1 and no bounds from then on. Its tasks stay.',
    refuses: ['wrong_state'],
  }),
];

function bodyOf(name: string, schema: GenericSchema, example: unknown): NonNullable<Operation['body']> {
  return { name, schema, example };
}

async function put({ caller, path, body }: Ask, method: 'putQueue' | 'putTenant'): Promise<Answer> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return jsonOf(ofBody(await caller.call(method, { change: body, ...path }), 'change'));
  return refused(refusal('bad_message', 'the body is one JSON object with the settings to change'));
}

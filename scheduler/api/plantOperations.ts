// Nodes and health over HTTP. Each asks the console by the method that windows use.
import { methodSchemas } from '../protocol/consoleWire.ts';
import { consoleWireVersion } from '../protocol/limits.ts';
import { confirmSchema } from '../protocol/lostNodes.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, fieldsOf, json, jsonOf, type Operation } from './operation.ts';

const { listNodes } = methodSchemas;

export const plantOperations: readonly Operation[] = [
  {
    id: 'getHealth',
    method: 'GET',
    path: '/health',
    about: 'Version, epoch, counts of nodes and tasks, and the queues, as they are now.',
    answer: { name: 'Health', status: 200, example: examples.health },
    refuses: [],
    run: health,
  },
  {
    id: 'listNodes',
    method: 'GET',
    path: '/nodes',
    about: 'Nodes by name, with allocated and really used resources. CPU in millicores, memory in MiB.',
    query: {
      text: {
        kind: 'text',
        schema: listNodes.entries.text.wrapped,
        about: 'Part of the name or the place, in any case',
      },
      state: { kind: 'text', schema: listNodes.entries.state.wrapped, about: 'In this state' },
      offset: { kind: 'number', schema: listNodes.entries.offset, about: 'Rows to skip' },
      limit: { kind: 'number', schema: listNodes.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'NodePage', status: 200, example: { rows: [examples.node], total: 1 } },
    refuses: [],
    run: async ({ caller, query }) => jsonOf(await caller.call('listNodes', query)),
  },
  {
    id: 'getNode',
    method: 'GET',
    path: '/nodes/{nodeId}',
    about: 'One node and the tasks that are on it.',
    answer: { name: 'NodeDetail', status: 200, example: { node: examples.node, tasks: [] } },
    refuses: ['unknown_node'],
    run: async ({ caller, path }) => jsonOf(await caller.call('getNode', path)),
  },
  cordonOperation('cordonNode', 'Keeps new work away from a node; what runs there goes on.', true),
  {
    id: 'declareLost',
    method: 'POST',
    path: '/nodes/{nodeId}/declare-lost',
    about:
      'Vouches that a node which is out of contact runs nothing any more: its tasks go elsewhere at once. ' +
      'Where it does run them, they run twice.',
    body: { name: 'Confirmation', schema: confirmSchema, example: { confirm: 'BOD-L08-C03-N07' } },
    answer: { name: 'DeclaredLost', status: 200, example: { attempts: 3 } },
    refuses: ['unknown_node', 'wrong_state'],
    run: async ({ caller, path, body }) =>
      jsonOf(await caller.call('declareLost', { ...fieldsOf(body, 'confirm'), ...path })),
  },
  cordonOperation('uncordonNode', 'Lets a node take work again.', false),
];

function cordonOperation(id: string, about: string, isCordoned: boolean): Operation {
  return {
    id,
    method: 'POST',
    path: `/nodes/{nodeId}/${isCordoned ? 'cordon' : 'uncordon'}`,
    about,
    answer: { name: 'CordonAnswer', status: 200, example: { isCordoned } },
    refuses: ['unknown_node'],
    run: async ({ caller, path }) => jsonOf(await caller.call('setCordon', { ...path, isCordoned })),
  };
}

async function health({ caller }: Ask): Promise<Answer> {
  const hello = await caller.call('hello', { wire: consoleWireVersion });
  const summary = await caller.call('getSummary', {});
  if (!hello.ok) return hello;
  if (!summary.ok) return summary;
  const { version, startedAtMs } = hello.value;
  return json({ version, startedAtMs, ...summary.value });
}

// millrace nodes, cordon, uncordon, declare-lost, health: the plant in tables.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, wrongUsage } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import { printRows, timeOf, type Tools } from './tools.ts';

type Node = InferOutput<typeof answerSchemas.NodeRow>;
const pageRows = 200;

export const nodes: Command = {
  form: '[NAME] [options]',
  about: 'Lists nodes with what is allocated and what is really used, or shows one.',
  options: {
    text: { type: 'string', value: 'TEXT', about: 'part of the name or the place' },
    state: { type: 'string', value: 'STATE', about: 'online, disconnected or lost' },
    limit: { type: 'string', value: 'N', about: 'rows (default 50)' },
    all: { type: 'boolean', about: 'every row there is' },
  },
  run: async (given, tools) => {
    const rows = given.words.length > 0 ? [await nodeOf(given, tools)] : await readNodes(given, tools);
    const head = ['NODE', 'STATE', 'TASKS', 'CPU ALLOCATED', 'CPU USED', 'MEMORY ALLOCATED', 'SEEN', 'KINDS'];
    printRows(tools, rows, head, cellsOf);
    return exitCodes.ok;
  },
};

async function nodeOf(given: Given, { client }: Tools): Promise<Node> {
  const path = `/nodes/${encodeURIComponent(onlyWord(given, 'node'))}`;
  return (await client.ask(answerSchemas.NodeDetail, { method: 'GET', path })).node;
}

async function readNodes(given: Given, { client, say, isJson }: Tools): Promise<readonly Node[]> {
  const wanted = given.flag('all') ? Infinity : (given.number('limit') ?? 50);
  const filter = { text: given.text('text'), state: given.text('state') };
  const rows: Node[] = [];
  for (;;) {
    const limit = Math.max(1, Math.min(pageRows, wanted - rows.length));
    const query = { ...filter, offset: rows.length, limit };
    const page = await client.ask(answerSchemas.NodePage, { method: 'GET', path: '/nodes', query });
    rows.push(...page.rows);
    if (rows.length >= page.total || page.rows.length === 0) return rows;
    if (rows.length < wanted) continue;
    if (!isJson) say(`${page.total - rows.length} more; give --all or a larger --limit\n`);
    return rows;
  }
}

const stateOf = ({ state, isCordoned, isRevoked, setAside }: Node): string =>
  [
    isRevoked ? 'revoked' : state,
    ...(isCordoned ? ['cordoned'] : []),
    ...(setAside === undefined ? [] : ['set aside']),
  ].join(', ');

const cellsOf = (node: Node): (string | number)[] => [
  node.nodeId,
  stateOf(node),
  node.attempts,
  `${node.cpuAllocated}/${node.cpuTotal}`,
  node.cpuUsed === undefined ? '-' : Math.round(node.cpuUsed),
  `${node.memoryAllocated}/${node.memoryTotal} MiB`,
  timeOf(node.lastSeenMs),
  node.kinds.join(' '),
];

const cordonCommand = (verb: 'cordon' | 'uncordon', about: string): Command => ({
  form: 'NAME...',
  about,
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length === 0) throw wrongUsage('name at least one node');
    for (const nodeId of words) {
      const path = `/nodes/${encodeURIComponent(nodeId)}/${verb}`;
      const answer = await client.ask(answerSchemas.CordonAnswer, { method: 'POST', path });
      out(isJson ? `${JSON.stringify({ nodeId, ...answer })}\n` : `${nodeId} ${verb}ed\n`);
    }
    return exitCodes.ok;
  },
});
export const cordon = cordonCommand('cordon', 'Keeps new work away from nodes; what runs there goes on.');
export const uncordon = cordonCommand('uncordon', 'Lets nodes take work again.');

export const declareLost: Command = {
  form: 'NAME --confirm NAME',
  about: 'Vouches that a node out of contact runs nothing any more: its tasks go elsewhere at once.',
  options: { confirm: { type: 'string', value: 'NAME', about: 'the name once more' } },
  run: async (given, { client, out, isJson }) => {
    const nodeId = onlyWord(given, 'node');
    const confirm = given.text('confirm');
    if (confirm !== nodeId)
      throw wrongUsage(`what ${nodeId} still runs would run twice; if it does not, add --confirm ${nodeId}`);
    const path = `/nodes/${encodeURIComponent(nodeId)}/declare-lost`;
    const call = { method: 'POST', path, body: JSON.stringify({ confirm }) } as const;
    const answer = await client.ask(answerSchemas.DeclaredLost, call);
    const text = `${nodeId} declared lost: ${String(answer.attempts)} attempts end, their tasks go elsewhere\n`;
    out(isJson ? `${JSON.stringify({ nodeId, ...answer })}\n` : text);
    return exitCodes.ok;
  },
};

export const health: Command = {
  form: '',
  about: 'Says how the hub is: version, nodes, tasks.',
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length > 0) throw new CommandFailed(exitCodes.usage, 'health takes no words');
    const found = await client.ask(answerSchemas.Health, { method: 'GET', path: '/health' });
    const { version, epoch, startedAtMs, isRecovering, nodes: count, tasks } = found;
    const waiting = tasks.ready + tasks.backlog + tasks.blocked + tasks.backoff;
    const text =
      `Millrace ${version}, epoch ${epoch}, since ${timeOf(startedAtMs)}${isRecovering ? ', recovering' : ''}\n` +
      `nodes: ${count.online} of ${count.total} online, ${count.lost} lost, ` +
      `${count.cordoned} cordoned, ${count.setAside} set aside\n` +
      `tasks: ${waiting} wait (${tasks.blocked} blocked), ${tasks.dispatched + tasks.running} run\n`;
    out(isJson ? `${JSON.stringify(found)}\n` : text);
    return exitCodes.ok;
  },
};

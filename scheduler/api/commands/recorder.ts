// millrace recorder, at: how far back the record reaches, and the plant as it was.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, readTaskId, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { printRows, table, timeOf, type Tools } from './tools.ts';

type State = InferOutput<typeof answerSchemas.RecorderState>;

export const recorder: Command = {
  form: '',
  about: 'Says how far back the flight recorder reaches and what it takes.',
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length > 0) throw wrongUsage('recorder takes no words; see millrace at --help');
    const state = await client.ask(answerSchemas.RecorderState, { method: 'GET', path: '/recorder' });
    out(isJson ? `${JSON.stringify(state)}\n` : inWords(state));
    return exitCodes.ok;
  },
};

export const at: Command = {
  form: 'TIME [queues | nodes | tasks | why TASK]',
  about: 'Shows the plant as it was at a time: 2026-11-23T10:00 (of this machine), with Z in UTC, or -2h.',
  options: {
    text: { type: 'string', value: 'TEXT', about: 'nodes, tasks: part of a name or place' },
    limit: { type: 'string', value: 'N', about: 'nodes, tasks: rows (default 50)' },
    digest: { type: 'boolean', about: 'with the digest of the state then' },
  },
  run: async (given, tools) => {
    const [time, what = 'summary', ...rest] = given.words;
    if (time === undefined) throw wrongUsage('give a time');
    const show = Object.hasOwn(shows, what) ? shows[what] : undefined;
    if (!show) throw wrongUsage(`${what}: there are queues, nodes, tasks and why`);
    if (rest.length !== (what === 'why' ? 1 : 0)) throw wrongUsage(`${what}: see millrace at --help`);
    await show({ given, tools, atMs: readTime(time), word: rest[0] ?? '' });
    return exitCodes.ok;
  },
};

interface Show {
  readonly given: Given;
  readonly tools: Tools;
  readonly atMs: number;
  readonly word: string;
}

const shows: Readonly<Record<string, (show: Show) => Promise<void>>> = {
  summary: async ({ given, tools: { client, out, isJson }, atMs }) => {
    const query = { atMs, ...(given.flag('digest') && { withDigest: 1 }) };
    const past = await client.ask(answerSchemas.PastSummary, { method: 'GET', path: '/recorder/at', query });
    const { nodes, tasks, sequence, batchAtMs, digest } = past;
    const waiting = tasks.ready + tasks.backlog + tasks.blocked + tasks.backoff + tasks.held;
    const said = digest === undefined ? '' : `, digest ${digest}`;
    const text =
      `${timeOf(atMs)}: batch ${sequence} of ${timeOf(batchAtMs)}${said}\n` +
      `nodes: ${nodes.online} of ${nodes.total} online, ${nodes.lost} lost, ${nodes.cordoned} cordoned\n` +
      `tasks: ${waiting} wait, ${tasks.dispatched + tasks.running} run\n`;
    out(isJson ? `${JSON.stringify(past)}\n` : text);
  },
  queues: async ({ tools, atMs }) => {
    const call = { method: 'GET', path: '/recorder/at', query: { atMs } } as const;
    const { queues } = await tools.client.ask(answerSchemas.PastSummary, call);
    const head = ['QUEUE', 'WEIGHT', 'WAITING', 'BACKOFF', 'ACTIVE', 'OLDEST'];
    printRows(tools, queues, head, (row) => [
      row.queue,
      row.weight,
      row.ready + row.backlog + row.blocked,
      row.backoff,
      row.active,
      timeOf(row.oldestSubmittedAtMs),
    ]);
  },
  nodes: async ({ given, tools, atMs }) => {
    const query = { atMs, text: given.text('text'), limit: given.number('limit') ?? 50 };
    const call = { method: 'GET', path: '/recorder/nodes', query } as const;
    const { rows } = await tools.client.ask(answerSchemas.NodePage, call);
    const head = ['NODE', 'STATE', 'TASKS', 'CPU ALLOCATED', 'MEMORY ALLOCATED'];
    printRows(tools, rows, head, (row) => [
      row.nodeId,
      row.isCordoned ? `${row.state}, cordoned` : row.state,
      row.attempts,
      `${row.cpuAllocated}/${row.cpuTotal}`,
      `${row.memoryAllocated}/${row.memoryTotal} MiB`,
    ]);
  },
  tasks: async ({ given, tools, atMs }) => {
    const query = { atMs, text: given.text('text'), limit: given.number('limit') ?? 50 };
    const call = { method: 'GET', path: '/recorder/tasks', query } as const;
    const { rows } = await tools.client.ask(answerSchemas.LivePage, call);
    const head = ['TASK', 'STATE', 'QUEUE', 'NODE', 'SUBMITTED', 'NAME'];
    printRows(tools, rows, head, (row) => [
      row.taskId,
      row.state,
      row.queue,
      row.nodeId ?? '-',
      timeOf(row.submittedAtMs),
      row.name,
    ]);
  },
  why: async ({ tools: { client, out, isJson }, atMs, word }) => {
    const path = `/recorder/tasks/${readTaskId(word)}/why`;
    const why = await client.ask(answerSchemas.WhyAnswer, { method: 'GET', path, query: { atMs } });
    const placed = why.placedOn === undefined ? '' : `, on ${why.placedOn}`;
    const steps = why.funnel.map(({ reason, remaining }) => [reason, remaining]);
    const text = `${why.waiting}: ${why.dominant} (${why.verdict})${placed}\n`;
    out(isJson ? `${JSON.stringify(why)}\n` : text + table(['REASON', 'NODES LEFT'], steps));
  },
};

/** A moment of this machine's time zone, of UTC where it ends in Z, or so long ago. */
export function readTime(text: string): number {
  const [, amount, unit] = /^-(\d+)([smhd])$/.exec(text) ?? [];
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit ?? ''];
  if (amount !== undefined && unitMs !== undefined) return Date.now() - Number(amount) * unitMs;
  const found = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}|$)/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isInteger(found) && found >= 0) return found;
  throw wrongUsage(`${text}: it is a time like 2026-11-23T10:00, 2026-11-23T10:00Z or -2h`);
}

function inWords({
  isOn,
  message,
  reachesBackToMs,
  untilMs,
  bytes,
  bytesMax,
  keepHours,
  ...rest
}: State): string {
  const mib = (count: number): string => `${Math.round(count / 2 ** 20)} MiB`;
  return [
    isOn ? 'records' : `does not record: ${message ?? ''}`,
    reachesBackToMs === undefined
      ? 'nothing is recorded yet'
      : `from ${timeOf(reachesBackToMs)} to ${timeOf(untilMs)}`,
    `${mib(bytes)} of ${mib(bytesMax)}, ${keepHours} hours are kept, ${rest.snapshots} snapshots`,
    ...(rest.gaps > 0 ? [`${rest.gaps} gaps`] : []),
    ...rest.notices,
    '',
  ].join('\n');
}

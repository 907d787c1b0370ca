// millrace queues, put-queue, pause-queue, resume-queue, drain-queue, remove-queue, tenants, put-tenant, remove-tenant.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, type Options, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { removal } from './removal.ts';
import { printRows, timeOf, type Tools } from './tools.ts';

/** Option -> setting, and how its text is read. `none` takes a bound away. */
type Setting = readonly [name: string, read: (text: string) => unknown];
const words = (text: string): string => text;
const wholeOf = (text: string): number => {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw wrongUsage(`${text}: it is a whole number, or none`);
};
const numberOf = (text: string): number => {
  if (/^\d{1,9}(\.\d{1,6})?$/.test(text)) return Number(text);
  throw wrongUsage(`${text}: it is a number such as 2.5, or none`);
};
const flagOf = (text: string): boolean => {
  if (text === 'yes' || text === 'no') return text === 'yes';
  throw wrongUsage(`${text}: it is yes or no`);
};
/** `cpu=4000,memory=8192,gpu=2000`. */
function quotaOf(text: string): Readonly<Record<string, number>> {
  const parts = text.split(',').map((part) => /^(cpu|memory|gpu)=(\d{1,13})$/.exec(part));
  if (parts.some((part) => !part))
    throw wrongUsage(`${text}: it is like cpu=4000,memory=8192,gpu=2000, or none`);
  return Object.fromEntries(parts.map((part) => [part?.[1] ?? '', Number(part?.[2])]));
}

const shareOptions: Options = {
  weight: { type: 'string', value: 'N', about: 'share of the plant against others, from 1' },
  'running-max': { type: 'string', value: 'N', about: 'attempts at a time' },
  'depth-max': { type: 'string', value: 'N', about: 'live tasks; more are refused' },
  guaranteed: {
    type: 'string',
    value: 'AMOUNTS',
    about: 'cpu=4000,memory=8192,gpu=2000: goes first below it',
  },
  burst: { type: 'string', value: 'AMOUNTS', about: 'never more than this at a time' },
};
const queueOptions: Options = {
  ...shareOptions,
  'rate-per-s': { type: 'string', value: 'N', about: 'placements per second' },
  policy: { type: 'string', value: 'NAME', about: 'how its tasks are placed' },
  order: { type: 'string', value: 'NAME', about: 'arrival or slowdown' },
  backfill: { type: 'string', value: 'NAME', about: 'off, easy or conservative' },
  'can-preempt': { type: 'string', value: 'yes|no', about: 'may have other tasks stopped' },
};
const settings: Readonly<Record<string, Setting>> = {
  weight: ['weight', wholeOf],
  'running-max': ['runningMax', wholeOf],
  'depth-max': ['depthMax', wholeOf],
  guaranteed: ['guaranteed', quotaOf],
  burst: ['burst', quotaOf],
  'rate-per-s': ['ratePerS', numberOf],
  policy: ['policy', words],
  order: ['order', words],
  backfill: ['backfill', words],
  'can-preempt': ['canPreempt', flagOf],
};

function changeOf(given: Given, options: Options): Readonly<Record<string, unknown>> {
  const change: Record<string, unknown> = {};
  for (const option of Object.keys(options)) {
    const [text, setting] = [given.text(option), settings[option]];
    if (text !== undefined && setting) change[setting[0]] = text === 'none' ? null : setting[1](text);
  }
  if (Object.keys(change).length > 0) return change;
  throw wrongUsage(
    `give ${Object.keys(options)
      .map((option) => `--${option}`)
      .join(', ')}: at least one`,
  );
}
const inWords = (change: Readonly<Record<string, unknown>>): string =>
  Object.entries(change)
    .map(([name, value]) => `${name} ${value === null ? 'none' : wordOf(value)}`)
    .join(', ');
const wordOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

async function put(tools: Tools, path: string, change: Readonly<Record<string, unknown>>): Promise<void> {
  const call = { method: 'PUT', path, body: JSON.stringify(change) } as const;
  if (path.startsWith('/queues/')) await tools.client.ask(answerSchemas.QueueAnswer, call);
  else await tools.client.ask(answerSchemas.TenantAnswer, call);
}

const putCommand = (what: 'queue' | 'tenant', options: Options, about: string): Command => ({
  form: 'NAME [options]',
  about,
  options,
  run: async (given, tools) => {
    const name = onlyWord(given, what);
    const change = changeOf(given, options);
    await put(tools, `/${what}s/${encodeURIComponent(name)}`, change);
    tools.out(
      tools.isJson ? `${JSON.stringify({ [what]: name, ...change })}\n` : `${name}: ${inWords(change)}\n`,
    );
    return exitCodes.ok;
  },
});
export const putQueue = putCommand('queue', queueOptions, 'Makes a queue, or changes what is named of it.');
export const putTenant = putCommand('tenant', shareOptions, 'Sets weight, limits and quotas of a tenant.');

const modeCommand = (mode: 'open' | 'paused' | 'draining', about: string): Command => ({
  form: 'NAME',
  about,
  options: {},
  run: async (given, tools) => {
    const queue = onlyWord(given, 'queue');
    const list = await tools.client.ask(answerSchemas.QueueList, { method: 'GET', path: '/queues' });
    if (!list.queues.some((row) => row.queue === queue)) throw wrongUsage(`there is no queue ${queue}`);
    await put(tools, `/queues/${encodeURIComponent(queue)}`, { mode });
    tools.out(tools.isJson ? `${JSON.stringify({ queue, mode })}\n` : `${queue} is ${mode}\n`);
    return exitCodes.ok;
  },
});
export const pauseQueue = modeCommand('paused', 'Takes tasks into a queue and starts none.');
export const resumeQueue = modeCommand('open', 'Opens a queue that was paused or drained.');
export const drainQueue = modeCommand(
  'draining',
  'Takes no more tasks into a queue and finishes what it has.',
);

export const removeQueue = removal('queue', 'Takes a queue away that has no live task.');
export const removeTenant = removal('tenant', 'Takes the settings of a tenant away; its tasks stay.');

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;

export const queues: Command = {
  form: '',
  about: 'Lists queues with their weights, what waits in them, and what holds them.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.QueueList, { method: 'GET', path: '/queues' });
    const head = 'QUEUE MODE WEIGHT READY BACKLOG BLOCKED BACKOFF ACTIVE SHARE GATE OLDEST'.split(' ');
    printRows(tools, list.queues, head, (row) => [
      row.queue,
      row.settings.mode,
      row.weight,
      row.ready,
      row.backlog,
      row.blocked,
      row.backoff,
      row.active,
      percent(row.share),
      row.gate ?? '-',
      timeOf(row.oldestSubmittedAtMs),
    ]);
    return exitCodes.ok;
  },
};

export const tenants: Command = {
  form: '',
  about: 'Lists tenants with their weights and what they have of the plant.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.TenantList, { method: 'GET', path: '/tenants' });
    printRows(tools, list.tenants, 'TENANT WEIGHT LIVE ACTIVE SHARE GATE'.split(' '), (row) => [
      row.tenant,
      row.settings.weight,
      row.live,
      row.active,
      percent(row.share),
      row.gate ?? '-',
    ]);
    return exitCodes.ok;
  },
};

// Options of `submit` -> a task as the contract writes it. Whether the values fit is for the hub to say.
import type { TaskSpecInput } from '../../protocol/task.ts';
import { placementOf, placementOptions } from './placementOptions.ts';
import { type Given, type Options, wrongUsage } from './command.ts';

const text = (value: string, about: string) => ({ type: 'string', value, about }) as const;
const texts = (value: string, about: string) => ({ type: 'string', value, multiple: true, about }) as const;

export const specOptions: Options = {
  name: text('TEXT', 'for people'),
  queue: text('NAME', 'queue (default: default)'),
  tenant: text('NAME', 'whose work it is (default: default)'),
  priority: text('0..9', '9 goes first (default 5)'),
  cpu: text('MILLICORES', 'CPU to reserve: 1000 is one core'),
  memory: text('MIB', 'memory to reserve'),
  gpu: text('DEVICES', 'whole GPUs to reserve'),
  select: texts('LABEL=V,V', 'only nodes whose label has one of these values'),
  ...placementOptions,
  tolerate: texts('TAINT', 'may run on nodes with this taint'),
  env: texts('NAME=VALUE', 'environment of the program'),
  cwd: text('DIR', 'working directory on the node'),
  shell: { type: 'boolean', about: 'the one word is a line for /bin/sh -c' },
  handler: text('NAME', 'instead of a program: a handler of the nodes'),
  input: text('JSON', 'with --handler: what it is given'),
  http: text('URL', 'instead of a program: a call over HTTP, made by a node'),
  method: text('METHOD', 'with --http (default: GET)'),
  header: texts('NAME=VALUE', 'with --http'),
  body: text('TEXT', 'with --http'),
  retries: text('N', 'with --http: calls after the first within one attempt'),
  image: text('NAME', 'in a container of this image; the program after -- may be left out'),
  timeout: text('TIME', 'longest run of an attempt, like 30s or 2h'),
  grace: text('TIME', 'between asking to end and killing'),
  attempts: text('N', 'attempts in all, the first included'),
  backoff: text('TIME', 'wait before the second attempt; doubles'),
  'at-most-once': { type: 'boolean', about: 'never retry by itself once it may have started' },
  label: texts('NAME=VALUE', 'label of the task'),
  at: text('ISO', 'not before this time, like 2026-11-23T18:00:00Z'),
  delay: text('TIME', 'not before so long from now, like 10m'),
  array: text('N', 'so many tasks in one, each with its index'),
  'running-max': text('N', 'with --array: so many at a time'),
  key: text('KEY', 'idempotency key: sent again, it is the same task'),
  simulate: text('TIME', 'instead of a program: a virtual node pretends to work so long'),
  'exit-code': text('N', 'with --simulate: the exit code it pretends'),
};

export function specOf(given: Given): TaskSpecInput {
  const ask = present({
    cpu: given.number('cpu'),
    memory: given.number('memory'),
    gpu: mapped(given.number('gpu'), (devices) => ({ devices })),
  });
  const retry = present({ attemptsMax: given.number('attempts'), backoffMs: given.durationMs('backoff') });
  return present({
    name: given.text('name'),
    queue: given.text('queue'),
    tenant: given.text('tenant'),
    priority: given.number('priority'),
    work: workOf(given),
    ask: Object.keys(ask).length > 0 ? ask : undefined,
    retry: Object.keys(retry).length > 0 ? retry : undefined,
    selector: mapped(pairsOf(given, 'select'), (pairs) =>
      Object.fromEntries(Object.entries(pairs).map(([label, values]) => [label, values.split(',')])),
    ),
    tolerations: given.texts('tolerate').length > 0 ? [...given.texts('tolerate')] : undefined,
    timeoutMs: given.durationMs('timeout'),
    graceMs: given.durationMs('grace'),
    delivery: given.flag('at-most-once') ? ('at_most_once' as const) : undefined,
    labels: pairsOf(given, 'label'),
    key: given.text('key'),
    notBeforeMs: notBeforeMs(given),
    array: arrayOf(given),
    ...placementOf(given),
  });
}

function notBeforeMs(given: Given): number | undefined {
  const at = given.text('at');
  const delayMs = given.durationMs('delay');
  if (at === undefined) return delayMs === undefined ? undefined : Date.now() + delayMs;
  if (delayMs !== undefined) throw wrongUsage('--at and --delay: give one of them');
  const atMs = Date.parse(at);
  if (Number.isNaN(atMs)) throw wrongUsage(`--at ${at}: it is a time like 2026-11-23T18:00:00Z`);
  return atMs;
}

function arrayOf(given: Given): TaskSpecInput['array'] {
  const count = given.number('array');
  const runningMax = given.number('running-max');
  if (count === undefined && runningMax !== undefined) throw wrongUsage('--running-max goes with --array');
  return count === undefined ? undefined : { count, ...present({ runningMax }) };
}

function workOf(given: Given): TaskSpecInput['work'] {
  const runMs = given.durationMs('simulate');
  if (runMs !== undefined) {
    if (given.words.length > 0) throw wrongUsage('--simulate takes no program');
    return { kind: 'simulated', runMs, ...present({ exitCode: given.number('exit-code') }) };
  }
  const other = otherWorkOf(given);
  if (other) return other;
  if (given.words.length === 0)
    throw wrongUsage(
      'name a program after --, or give --handler, --http, --image, --file or --simulate: millrace submit -- PROGRAM ARG...',
    );
  return {
    kind: 'command',
    argv: [...given.words],
    ...(given.flag('shell') && { shell: true }),
    ...present({ env: pairsOf(given, 'env'), cwd: given.text('cwd') }),
  };
}

/** Work that is no program of the node. Refuses options of one kind beside another. */
function otherWorkOf(given: Given): TaskSpecInput['work'] | undefined {
  const [handler, url, image] = [given.text('handler'), given.text('http'), given.text('image')];
  const kinds = given.areSet(['handler', 'http', 'image']);
  if (kinds.length > 1) throw wrongUsage(`--${kinds.join(' and --')}: give one of them`);
  const [stray] = [
    ...(handler === undefined ? given.areSet(['input']) : []),
    ...(url === undefined ? given.areSet(['method', 'header', 'body', 'retries']) : []),
  ];
  if (stray !== undefined)
    throw wrongUsage(`--${stray} goes with ${stray === 'input' ? '--handler' : '--http'}`);
  const [programOption] =
    image === undefined ? given.areSet(['env', 'cwd', 'shell']) : given.areSet(['cwd', 'shell']);
  if (kinds.length > 0 && programOption !== undefined)
    throw wrongUsage(`--${programOption} does not go with --${kinds[0] ?? ''}`);
  if (image !== undefined)
    return { kind: 'container', image, argv: [...given.words], ...present({ env: pairsOf(given, 'env') }) };
  if (kinds.length > 0 && given.words.length > 0) throw wrongUsage(`--${kinds[0] ?? ''} takes no program`);
  if (handler !== undefined) return { kind: 'function', handler, input: jsonOf(given.text('input')) };
  return url === undefined ? undefined : httpOf(given, url);
}

/** The contract says which methods there are: any other is refused by it. */
function httpOf(given: Given, url: string): TaskSpecInput['work'] {
  type Method = Extract<TaskSpecInput['work'], { kind: 'http' }>['method'];
  return {
    kind: 'http',
    url,
    ...present({
      method: given.text('method')?.toUpperCase() as Method,
      headers: pairsOf(given, 'header'),
      body: given.text('body'),
      retries: given.number('retries'),
    }),
  };
}

function jsonOf(text: string | undefined): unknown {
  if (text === undefined) return null;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw wrongUsage(`--input: it is no JSON: ${(error as Error).message}`);
  }
}

/** `NAME=VALUE` of each; undefined where none is given. */
export function pairsOf(given: Given, name: string): Record<string, string> | undefined {
  const pairs = given.texts(name).map((pair): [string, string] => {
    const at = pair.indexOf('=');
    if (at < 1) throw wrongUsage(`--${name} ${pair}: it is NAME=VALUE`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  });
  return pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
}

const mapped = <From, To>(value: From | undefined, map: (value: From) => To): To | undefined =>
  value === undefined ? undefined : map(value);

type Present<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined>;
};
/** Without the fields that are undefined: they would be sent as null by some, and as nothing by others. */
const present = <Fields extends object>(fields: Fields): Present<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<Fields>;

// Options of `submit` -> a task as the contract writes it. Whether the values fit is for the hub to say.
import { offlineLimitDefaultMs } from '../../protocol/offlineLimits.ts';
import type { TaskSpecInput } from '../../protocol/task.ts';
import { placementOf, placementOptions } from './placementOptions.ts';
import { pairsOf, present, workOf, workOptions } from './workOptions.ts';
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
  ...workOptions,
  timeout: text('TIME', 'longest run of an attempt, like 30s or 2h'),
  grace: text('TIME', 'between asking to end and killing'),
  'offline-limit': text('TIME', 'its node may go on alone so long, and nobody else has it: 30s to 72h'),
  offline: { type: 'boolean', about: 'as --offline-limit 72h' },
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
    offlineLimitMs:
      given.durationMs('offline-limit') ?? (given.flag('offline') ? offlineLimitDefaultMs : undefined),
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

const mapped = <From, To>(value: From | undefined, map: (value: From) => To): To | undefined =>
  value === undefined ? undefined : map(value);

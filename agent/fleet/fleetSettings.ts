// Command line of the fleet -> checked settings, or a sentence that names the argument at fault.
import { type EnrolCode, readEnrolCode } from '../../scheduler/protocol/enrolCode.ts';
import { nodesMax } from '../../scheduler/protocol/limits.ts';
import type { Outcome } from '../../scheduler/protocol/outcome.ts';
import { type PlantShape, shapeOf } from './plant.ts';
import { BadArgument, readArguments, type ValuesOf } from '../programArguments.ts';

export const failureKinds = ['task', 'disconnect', 'power', 'silence'] as const;
export type FailureKind = (typeof failureKinds)[number];

export interface FleetSettings {
  readonly shape: PlantShape;
  /** Which machines of the plant this process is: all, or its part where the plant is split over processes. */
  readonly first: number;
  readonly count: number;
  readonly hub: string;
  readonly enrolCode: EnrolCode;
  /** Present: this process also submits the plant's tasks. */
  readonly consoleToken: string | undefined;
  readonly seed: number;
  readonly speed: number;
  readonly load: number;
  readonly hasIncidents: boolean;
  /** `task`: share of attempts that fail. Others: times per node and hour. */
  readonly failures: Readonly<Partial<Record<FailureKind, number>>>;
  readonly joinsPerS: number;
  readonly perProcessMax: number | undefined;
}

export const fleetUsage = `usage: npm run fleet -- --nodes N --hub URL [options]

  many virtual nodes in one process, on the real wire: they offer the kind "simulated" and refuse real work

  --nodes N           1 to ${String(nodesMax)} (required)
  --hub URL           address of the hub (required)
  --token CODE        enrolment code; or MILLRACE_ENROL_TOKEN in the environment (required)
  --console-token TEXT
                      also submit the plant's tasks, over the console wire; or MILLRACE_CONSOLE_TOKEN
  --load FACTOR       share of the ordinary arrivals, 0 to 10 (default 1)
  --seed S            another plant day (default 1)
  --speed X           the plant's day runs X times as fast (default 1); tasks run as long as they say
  --areas A, --lines L, --cells C
                      areas; lines of each area; cells of each line (default: by the number of nodes)
  --no-incidents      leave out the six incidents of the day
  --fail KIND=RATE    switch failures on; may be given often. task=SHARE: attempts that fail, 0 to 1.
                      disconnect=N: lost connections per node and hour. power=N: power losses per node and hour.
                      silence=N: times a node falls silent without closing its connection, per node and hour
  --joins N           joins per second (default 1000)
  --per-process N     nodes of one process; a larger plant is split over child processes
                      (default: the process's limit of open files, less 200)
  --help              this text

SIGTERM or SIGINT: submits no more, gives running tasks 5 s to end, leaves. Twice: leaves at once.
exit codes: 0 stopped, 1 failed, 2 bad argument, 3 the hub refuses the token`;

const text = { type: 'string' } as const;
const options = {
  nodes: text,
  hub: text,
  token: text,
  'console-token': text,
  load: { type: 'string', default: '1' },
  seed: { type: 'string', default: '1' },
  speed: { type: 'string', default: '1' },
  areas: text,
  lines: text,
  cells: text,
  /** Which part of the plant: given by `SplitFleet` to its children. */
  first: { type: 'string', default: '0' },
  count: text,
  joins: { type: 'string', default: '1000' },
  'per-process': text,
  'no-incidents': { type: 'boolean' },
  fail: { type: 'string', multiple: true },
  help: { type: 'boolean' },
} as const;
type Values = ValuesOf<typeof options>;
type Env = Readonly<Record<string, string | undefined>>;

export function readFleetSettings(
  args: readonly string[],
  env: Env,
): Outcome<FleetSettings | 'help', string> {
  return readArguments(args, options, (values) => settingsOf(values, env));
}

function settingsOf(values: Values, env: Env): FleetSettings {
  const total = whole('--nodes', values.nodes, 1, nodesMax);
  const first = whole('--first', values.first, 0, total - 1);
  return {
    shape: shapeFrom(total, values),
    first,
    count: optionalWhole('--count', values.count, total - first) ?? total - first,
    hub: hubFrom(values.hub),
    enrolCode: codeFrom(values.token ?? env['MILLRACE_ENROL_TOKEN']),
    consoleToken: values['console-token'] ?? env['MILLRACE_CONSOLE_TOKEN'],
    seed: whole('--seed', values.seed, 0, 2 ** 32 - 1),
    speed: decimal('--speed', values.speed, 0.1, 1_000),
    load: decimal('--load', values.load, 0, 10),
    hasIncidents: values['no-incidents'] !== true,
    failures: Object.fromEntries((values.fail ?? []).map(failure)),
    joinsPerS: whole('--joins', values.joins, 1, 100_000),
    perProcessMax: optionalWhole('--per-process', values['per-process'], nodesMax),
  };
}

function shapeFrom(nodes: number, { areas, lines, cells }: Values): PlantShape {
  return shapeOf(nodes, {
    ...(areas !== undefined && { areas: whole('--areas', areas, 1, 99) }),
    ...(lines !== undefined && { lines: whole('--lines', lines, 1, 99) }),
    ...(cells !== undefined && { cells: whole('--cells', cells, 1, 99) }),
  });
}

function hubFrom(hub: string | undefined): string {
  if (hub !== undefined && /^https?:\/\/[^/\s]+\/*$/.test(hub)) return hub;
  throw new BadArgument(`--hub: ${hub ?? 'missing'}; give an address such as http://127.0.0.1:7443`);
}

function codeFrom(text: string | undefined): EnrolCode {
  if (text === undefined)
    throw new BadArgument('--token: missing; give the enrolment code that the console shows');
  const code = readEnrolCode(text);
  if (code.ok) return code.value;
  throw new BadArgument(`--token: ${code.reason}`);
}

const optionalWhole = (argument: string, value: string | undefined, max: number): number | undefined =>
  value === undefined ? undefined : whole(argument, value, 1, max);

function failure(value: string): [FailureKind, number] {
  const [name = '', rate = ''] = value.split('=');
  const kind = failureKinds.find((known) => known === name);
  if (kind === undefined)
    throw new BadArgument(`--fail: ${value}: the kinds are ${failureKinds.join(', ')}, written KIND=RATE`);
  return [kind, decimal(`--fail ${kind}`, rate, 0, kind === 'task' ? 1 : 360)];
}

function whole(argument: string, value: string | undefined, min: number, max: number): number {
  const number = /^\d{1,10}$/.test(value ?? '') ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new BadArgument(`${argument}: ${value ?? 'missing'}: a whole number from ${min} to ${max}`);
}

function decimal(argument: string, value: string, min: number, max: number): number {
  const number = /^\d{1,6}(\.\d{1,6})?$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new BadArgument(`${argument}: ${value}: a number from ${min} to ${max}`);
}

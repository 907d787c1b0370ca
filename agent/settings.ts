// Command line -> checked settings of one agent, or a sentence that names the argument at fault.
import { homedir, hostname } from 'node:os';
import { join, resolve } from 'node:path';
import * as v from 'valibot';
import type { NodeId } from '../scheduler/protocol/brands.ts';
import { type EnrolCode, readEnrolCode } from '../scheduler/protocol/enrolCode.ts';
import * as limits from '../scheduler/protocol/limits.ts';
import type { Outcome } from '../scheduler/protocol/outcome.ts';
import { nameSchema } from '../scheduler/protocol/text.ts';
import { BadArgument, readArguments, type ValuesOf } from './programArguments.ts';

export interface Settings {
  readonly hub: string;
  readonly enrolToken: string | undefined;
  /** Of the enrolment code: how the node knows a hub with TLS at its first contact. */
  readonly hubPin: string | undefined;
  readonly nodeId: NodeId;
  readonly dataFolder: string;
  /** Its modules are what tasks of kind `function` may run. */
  readonly handlersFolder: string;
  /** Absent: a task may work in any folder that the agent's user may. */
  readonly workRoot: string | undefined;
  readonly place: { readonly area?: string; readonly line?: string; readonly cell?: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly string[];
  readonly custom: Readonly<Record<string, number>>;
  /** Absent: as this machine has. */
  readonly cpu: number | undefined;
  readonly memory: number | undefined;
  readonly slots: number | undefined;
  readonly gpu: number | undefined;
  readonly stopGraceMs: number;
  /** How old the node's key gets before it is changed. */
  readonly keyDays: number;
}

export const usage = `usage: npm run agent -- --hub URL [options]       (installed: millrace-agent --hub URL [options])
       npm run agent -- doctor --hub URL [options] [--json]
                      what this node lacks for the agent, and what to do; 1 where the agent cannot work

  --hub URL           address of the hub, for example https://10.0.0.5:7443 (required)
  --token CODE        enrolment code; needed once, until the hub knows the key of this node.
                      Over https:// the whole of it: by the part after the dot the node knows its hub.
                      MILLRACE_ENROL_TOKEN in the environment does the same and stays out of process lists
  --node NAME         name of this node in the plant (default: the host's name)
  --data FOLDER       where key, ledger and logs are kept (default: ~/.millrace/agent/NAME)
  --handlers FOLDER   modules that tasks of kind function may run, looked at when the agent starts
                      (default: the folder handlers in the data folder)
  --work-root FOLDER  tasks that name a working folder outside of it are refused (default: any folder)
  --area, --line, --cell NAME
                      place in the plant
  --label KEY=VALUE   a label that tasks can select; may be given often
  --taint NAME        keeps away tasks that do not tolerate it; may be given often
  --cpu MILLICORES    capacity to offer (default: all cores)
  --memory MIB        capacity to offer (default: all memory)
  --gpu COUNT         devices to offer (default: 0)
  --slots COUNT       attempts at the same time (default: ${String(limits.slotsDefault)})
  --custom NAME=AMOUNT
                      a named resource; may be given often
  --stop-grace SECONDS
                      at SIGTERM, the longest that running attempts get to end (default: 10)
  --key-days DAYS     how old this node's key gets before it is changed (default: ${String(limits.keyDaysDefault)});
                      SIGUSR2 changes it at once
  --help              this text

exit codes: 0 stopped, 1 failed, 2 bad argument, 3 the hub turned this node away, 4 data folder in use`;

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;
const options = {
  hub: text,
  token: text,
  node: text,
  data: text,
  handlers: text,
  'work-root': text,
  area: text,
  line: text,
  cell: text,
  label: texts,
  taint: texts,
  cpu: text,
  memory: text,
  gpu: text,
  slots: text,
  custom: texts,
  'stop-grace': text,
  'key-days': text,
  help: { type: 'boolean' },
} as const;
type Values = ValuesOf<typeof options>;

export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>> = {},
): Outcome<Settings | 'help', string> {
  return readArguments(args, options, (values) => settingsOf(values, env));
}

function settingsOf(values: Values, env: Readonly<Record<string, string | undefined>>): Settings {
  const nodeId = name('--node', values.node ?? defaultNodeName()) as NodeId;
  const custom = Object.entries(pairs('--custom', values.custom)).map(
    ([key, amount]) => [key, wholeNumber(`--custom ${key}`, amount, 0, limits.customAmountMax)] as const,
  );
  const { area, line, cell } = values;
  const code = enrolCode(values.token ?? env['MILLRACE_ENROL_TOKEN']);
  return {
    hub: hubAddress(values.hub),
    enrolToken: code?.token,
    hubPin: code?.pin,
    nodeId,
    ...foldersOf(values, nodeId),
    workRoot: values['work-root'] === undefined ? undefined : resolve(values['work-root']),
    place: {
      ...(area !== undefined && { area: name('--area', area) }),
      ...(line !== undefined && { line: name('--line', line) }),
      ...(cell !== undefined && { cell: name('--cell', cell) }),
    },
    labels: atMost('--label', limits.labelsMax, labels(values.label)),
    taints: (values.taint ?? []).map((taint) => name('--taint', taint)),
    custom: atMost('--custom', limits.customResourcesMax, Object.fromEntries(custom)),
    cpu: optionalNumber('--cpu', values.cpu, 1, limits.cpuMillicoresMax),
    memory: optionalNumber('--memory', values.memory, 1, limits.memoryMiBMax),
    gpu: optionalNumber('--gpu', values.gpu, 0, limits.gpuDevicesMax),
    slots: optionalNumber('--slots', values.slots, 1, limits.slotsMax),
    keyDays: optionalNumber('--key-days', values['key-days'], 1, limits.keyDaysMax) ?? limits.keyDaysDefault,
    stopGraceMs: 1_000 * (optionalNumber('--stop-grace', values['stop-grace'], 0, 600) ?? 10),
  };
}

function foldersOf(values: Values, nodeId: NodeId): Pick<Settings, 'dataFolder' | 'handlersFolder'> {
  const dataFolder = resolve(
    values.data ?? join(homedir(), '.millrace', 'agent', encodeURIComponent(nodeId)),
  );
  return { dataFolder, handlersFolder: resolve(values.handlers ?? join(dataFolder, 'handlers')) };
}

function hubAddress(value: string | undefined): string {
  if (value === undefined) throw new BadArgument('--hub: missing; give the address that the console shows');
  if (!/^(https?|wss?):\/\/[^/\s]+\/*$/.test(value))
    throw new BadArgument(`--hub: ${value} is no address such as https://10.0.0.5:7443`);
  return value;
}

function enrolCode(value: string | undefined): EnrolCode | undefined {
  if (value === undefined) return undefined;
  const code = readEnrolCode(value);
  if (code.ok) return code.value;
  throw new BadArgument(`--token: ${code.reason}`);
}

function name(argument: string, value: string): string {
  const read = v.safeParse(nameSchema, value);
  if (read.success) return read.output;
  throw new BadArgument(`${argument}: ${JSON.stringify(value)}: ${read.issues[0].message}`);
}

/** A host's name may hold what a node's name may not. */
function defaultNodeName(): string {
  const cleaned = hostname()
    .replace(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '');
  return cleaned.slice(0, limits.nameLengthMax) || 'node';
}

function pairs(argument: string, values: readonly string[] = []): Record<string, string> {
  return Object.fromEntries(
    values.map((value) => {
      const [, key = '', rest = ''] = /^([^=]*)=(.*)$/s.exec(value) ?? [];
      if (key === '')
        throw new BadArgument(`${argument}: ${JSON.stringify(value)} is not of the form name=value`);
      return [name(argument, key), rest] as const;
    }),
  );
}

function labels(values: readonly string[] | undefined): Record<string, string> {
  const read = pairs('--label', values);
  for (const [key, value] of Object.entries(read)) {
    if (value.length > limits.labelValueLengthMax)
      throw new BadArgument(`--label ${key}: longer than ${String(limits.labelValueLengthMax)} characters`);
  }
  return read;
}

function atMost<Value>(argument: string, max: number, entries: Record<string, Value>): Record<string, Value> {
  if (Object.keys(entries).length <= max) return entries;
  throw new BadArgument(`${argument}: given more than ${String(max)} times`);
}

function optionalNumber(argument: string, value: string | undefined, min: number, max: number) {
  return value === undefined ? undefined : wholeNumber(argument, value, min, max);
}

function wholeNumber(argument: string, value: string, min: number, max: number): number {
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= min && number <= max) return number;
  throw new BadArgument(
    `${argument}: ${JSON.stringify(value)} is no whole number from ${String(min)} to ${String(max)}`,
  );
}

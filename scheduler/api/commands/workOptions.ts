// Options of `submit` that say what to run -> the work of a task.
import type { TaskSpecInput } from '../../protocol/task.ts';
import { type Given, type Options, wrongUsage } from './command.ts';

const text = (value: string, about: string) => ({ type: 'string', value, about }) as const;
const texts = (value: string, about: string) => ({ type: 'string', value, multiple: true, about }) as const;

/** Of work that is no program of the node. */
export const workOptions: Options = {
  handler: text('NAME', 'instead of a program: a handler of the nodes'),
  input: text('JSON', 'with --handler: what it is given'),
  http: text('URL', 'instead of a program: a call over HTTP, made by a node'),
  method: text('METHOD', 'with --http (default: GET)'),
  header: texts('NAME=VALUE', 'with --http'),
  body: text('TEXT', 'with --http'),
  retries: text('N', 'with --http: calls after the first within one attempt'),
  image: text('NAME', 'in a container of this image; the program after -- may be left out'),
};

type WorkInput = TaskSpecInput['work'];

export function workOf(given: Given): WorkInput {
  const kinds = given.areSet(Object.keys(optionsWith));
  const [kind] = kinds;
  if (kinds.length > 1) throw wrongUsage(`--${kinds.join(' and --')}: give one of them`);
  refuseStrays(given, kind);
  switch (kind) {
    case 'simulate':
      return {
        kind: 'simulated',
        runMs: given.durationMs('simulate') ?? 0,
        ...present({ exitCode: given.number('exit-code') }),
      };
    case 'handler':
      return { kind: 'function', handler: given.text('handler') ?? '', input: jsonOf(given.text('input')) };
    case 'http':
      return httpOf(given);
    case 'image': {
      const env = present({ env: pairsOf(given, 'env') });
      return { kind: 'container', image: given.text('image') ?? '', argv: [...given.words], ...env };
    }
    case undefined:
    default:
      return commandOf(given);
  }
}

/** By the option that names a kind: those that go with it. */
const optionsWith: Readonly<Record<string, readonly string[]>> = {
  simulate: ['exit-code'],
  handler: ['input'],
  http: ['method', 'header', 'body', 'retries'],
  image: ['env'],
};
const ofCommands = ['env', 'cwd', 'shell'];

function refuseStrays(given: Given, kind: string | undefined): void {
  const allowed = kind === undefined ? ofCommands : (optionsWith[kind] ?? []);
  const [stray] = given.areSet(
    [...new Set([...Object.values(optionsWith).flat(), ...ofCommands])].filter(
      (option) => !allowed.includes(option),
    ),
  );
  if (stray !== undefined) {
    const owner = Object.entries(optionsWith).find(([, options]) => options.includes(stray))?.[0];
    throw wrongUsage(
      ofCommands.includes(stray)
        ? `--${stray} does not go with --${kind ?? ''}`
        : `--${stray} goes with --${owner ?? ''}`,
    );
  }
  if (kind !== undefined && kind !== 'image' && given.words.length > 0)
    throw wrongUsage(`--${kind} takes no program`);
}

function commandOf(given: Given): WorkInput {
  if (given.words.length === 0)
    throw wrongUsage(
      'name a program after --, or give --handler, --http, --image, --file or --simulate: ' +
        'millrace submit -- PROGRAM ARG...',
    );
  return {
    kind: 'command',
    argv: [...given.words],
    ...(given.flag('shell') && { shell: true }),
    ...present({ env: pairsOf(given, 'env'), cwd: given.text('cwd') }),
  };
}

/** The contract says which methods there are: any other is refused by it. */
function httpOf(given: Given): WorkInput {
  type Method = Extract<WorkInput, { kind: 'http' }>['method'];
  return {
    kind: 'http',
    url: given.text('http') ?? '',
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

type Present<Fields> = {
  [Name in keyof Fields as undefined extends Fields[Name] ? never : Name]: Fields[Name];
} & {
  [Name in keyof Fields as undefined extends Fields[Name] ? Name : never]?: Exclude<Fields[Name], undefined>;
};
/** Without the fields that are undefined: they would be sent as null by some, and as nothing by others. */
export const present = <Fields extends object>(fields: Fields): Present<Fields> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Present<Fields>;

// What a command of `millrace` is: its options, its help, and how its words are read.
import { parseArgs } from 'node:util';
import { parseTaskId, taskId, type TaskId } from '../../protocol/brands.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import type { Tools } from './tools.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  /** May be given more than once. */
  readonly multiple?: true;
  readonly short?: string;
  /** What stands for the value in the help: `N`, `NAME`. */
  readonly value?: string;
  readonly about: string;
}
export type Options = Readonly<Record<string, Option>>;

export interface Command {
  /** Words after the name, for the help. */
  readonly form: string;
  readonly about: string;
  readonly options: Options;
  /** Resolves to the exit code. */
  readonly run: (given: Given, tools: Tools) => Promise<number>;
}

export const sharedOptions: Options = {
  hub: { type: 'string', value: 'URL', about: 'where the hub listens (or MILLRACE_HUB)' },
  token: {
    type: 'string',
    value: 'TOKEN',
    about: 'API token; others can see it here: prefer MILLRACE_TOKEN',
  },
  data: { type: 'string', value: 'DIR', about: 'data folder of the hub, for both (or MILLRACE_DATA)' },
  ca: { type: 'string', value: 'FILE', about: 'certificate authority of a hub elsewhere (or MILLRACE_CA)' },
  json: { type: 'boolean', about: 'one JSON value a line instead of text' },
  help: { type: 'boolean', short: 'h', about: 'this text' },
};

export class Given {
  readonly words: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(words: readonly string[], values: Readonly<Record<string, unknown>>) {
    this.words = words;
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  texts(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  /** Fails as wrong usage where it is not a whole number. */
  number(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw wrongUsage(`--${name} ${text}: it is a whole number`);
  }

  /** In milliseconds. `500ms`, `30s`, `5m`, `2h`, `1d`; a bare number is seconds. */
  durationMs(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? [];
    const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[unit];
    if (amount !== undefined && unitMs !== undefined) return Math.round(Number(amount) * unitMs);
    throw wrongUsage(`--${name} ${text}: it is a time like 500ms, 30s, 5m, 2h or 1d`);
  }

  /** The same options with other words. */
  withWords(words: readonly string[]): Given {
    return new Given(words, this.#values);
  }

  /** The names that are set, of those given. */
  areSet(names: readonly string[]): readonly string[] {
    return names.filter((name) => this.#values[name] !== undefined);
  }
}

/** Fails as wrong usage where an option is unknown. */
export function readGiven(command: Command, args: readonly string[]): Given {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, ...sharedOptions }).map(([name, { type, multiple, short }]) => [
      name,
      { type, ...(multiple && { multiple }), ...(short !== undefined && { short }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    return new Given(positionals, values);
  } catch (error) {
    throw wrongUsage(error instanceof Error ? error.message : String(error));
  }
}

export const wrongUsage = (message: string): CommandFailed => new CommandFailed(exitCodes.usage, message);

/** `T-16` or `42`. */
export function readTaskId(text: string): TaskId {
  if (/^[1-9]\d{0,14}$/.test(text)) return taskId(Number(text));
  const id = /^t-/i.test(text) ? parseTaskId(text) : undefined;
  if (id !== undefined) return id;
  throw wrongUsage(`${text} is no task id; it looks like T-16 or 42`);
}

/** The one word that a command takes. */
export function onlyWord({ words }: Given, what: string): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw wrongUsage(`give one ${what}`);
  return word;
}

export function helpOf(name: string, { form, about, options }: Command): string {
  const lines = (rows: Options): string[] =>
    Object.entries(rows).map(([option, { short, value, about: words, multiple }]) => {
      const shape = `${short === undefined ? '' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`;
      return `  ${shape.padEnd(24)} ${words}${multiple ? ' (may be repeated)' : ''}`;
    });
  return [
    `millrace ${name} ${form}`.trimEnd(),
    `  ${about}`,
    '',
    ...lines(options),
    ...lines(sharedOptions),
    '',
  ].join('\n');
}

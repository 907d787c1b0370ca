// What the operator typed: the shell's own options and the host's. Everything else on the line is Chromium's.
import { join } from 'node:path';
import { readHostConfig } from '../scheduler/host/config.ts';

export interface ShellOptions {
  /** What the host is started with. */
  readonly hostArgs: readonly string[];
  readonly dataFolder: string;
  readonly hostPlace: 'utility' | 'main';
  /** Quits while tasks run without asking: for tests and for machines without a person. */
  readonly quitsWithoutAsking: boolean;
}

const hostOptions = ['--data', '--port', '--listen', '--tls', '--tls-name'];
const hostFlags = ['--insecure-plain-text'];

/** `args`: without the program and, unpackaged, without its folder. Throws where a value is missing or wrong. */
export function readCommandLine(args: readonly string[]): ShellOptions {
  const words = args.flatMap(splitAtEquals);
  const hostPlace = valueOf(words, '--host') ?? 'utility';
  if (hostPlace !== 'utility' && hostPlace !== 'main')
    throw new Error(`--host=${hostPlace}: it is utility or main`);
  const given = [
    ...hostOptions.flatMap((name) => optionWords(words, name)),
    ...hostFlags.filter((flag) => words.includes(flag)),
  ];
  const config = readHostConfig(given);
  if (!config.ok) throw new Error(config.reason);
  // Help is not among the options passed on, so there are always settings.
  const dataFolder = config.value?.dataFolder ?? '';
  return {
    hostPlace,
    dataFolder,
    hostArgs: [...given, ...(given.includes('--data') ? [] : ['--data', dataFolder])],
    quitsWithoutAsking: words.includes('--quit-without-asking'),
  };
}

/** What follows `--agent` or `--cli`: this program is then a node's agent, or a command, without a window. */
export function wordsAfter(
  mode: '--agent' | '--cli',
  args: readonly string[],
): readonly string[] | undefined {
  const at = args.indexOf(mode);
  return at === -1 ? undefined : args.slice(at + 1);
}

/** Where windows keep their state: below the data folder, so that one folder means one console. */
export const windowFolder = (dataFolder: string): string => join(dataFolder, 'console');

/** `--name=value` as two words. */
function splitAtEquals(word: string): string[] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at === -1 ? [word] : [word.slice(0, at), word.slice(at + 1)];
}

function optionWords(words: readonly string[], name: string): string[] {
  const value = valueOf(words, name);
  return value === undefined ? [] : [name, value];
}

function valueOf(words: readonly string[], name: string): string | undefined {
  const at = words.indexOf(name);
  if (at === -1) return undefined;
  const value = words[at + 1];
  if (value === undefined || value.startsWith('--')) throw new Error(`${name} needs a value after it`);
  return value;
}

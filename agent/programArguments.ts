// Reads the arguments of a program of ours: what is wrong is told by the argument's name.
import { parseArgs, type ParseArgsOptionsConfig } from 'node:util';
import { accepted, type Outcome, refused } from '../scheduler/protocol/outcome.ts';

/** Its message names the argument, what was given and what it takes. */
export class BadArgument extends Error {}

export type ValuesOf<Options extends ParseArgsOptionsConfig> = ReturnType<
  typeof parseArgs<{ options: Options }>
>['values'];

/** `settingsOf` throws `BadArgument`; any other error is a bug and comes through. */
export function readArguments<Options extends ParseArgsOptionsConfig, Settings>(
  args: readonly string[],
  options: Options,
  settingsOf: (values: ValuesOf<Options>) => Settings,
): Outcome<Settings | 'help', string> {
  try {
    const { values } = parseArgs({ args: [...args], options, strict: true, allowPositionals: false });
    return accepted('help' in values && values.help === true ? 'help' : settingsOf(values));
  } catch (error) {
    if (error instanceof BadArgument) return refused(error.message);
    // parseArgs names the argument in its first sentence; what follows is advice about its own syntax.
    if (error instanceof TypeError) return refused(error.message.split('. ', 1)[0] ?? error.message);
    throw error;
  }
}

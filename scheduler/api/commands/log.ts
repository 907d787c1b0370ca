// millrace log level: how much the host writes into its log.
import * as v from 'valibot';
import { logLevels, logLevelSchema } from '../../protocol/logLevel.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';

export const log: Command = {
  form: 'level [LEVEL]',
  about: 'Shows how much the host logs, or sets it until its next start: debug, info, warn or error.',
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    const [what, level] = words;
    if (what !== 'level' || words.length > 2) throw wrongUsage('log takes: level, or level LEVEL');
    if (level !== undefined && !v.is(logLevelSchema, level))
      throw wrongUsage(`${level} is no level; there are ${logLevels.join(', ')}`);
    const path = '/log/level';
    const ask =
      level === undefined
        ? ({ method: 'GET', path } as const)
        : ({ method: 'PUT', path, body: JSON.stringify({ level }) } as const);
    const answer = await client.ask(answerSchemas.LogLevel, ask);
    out(isJson ? `${JSON.stringify(answer)}\n` : `${answer.level}\n`);
    return exitCodes.ok;
  },
};

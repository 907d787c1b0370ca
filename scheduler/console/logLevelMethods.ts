// How much the host writes into its log, read and set while it runs.
import { accepted } from '../protocol/outcome.ts';
import type { MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';

export const logLevelMethods = ({ log }: ConsolePorts): Pick<MethodTable, 'getLogLevel' | 'setLogLevel'> => ({
  getLogLevel: () => accepted({ level: log.level() }),
  setLogLevel: ({ level }, { actor }) => {
    log.setLevel(level, actor);
    return accepted({ level });
  },
});

// How much the host writes into its log.
import * as v from 'valibot';

/** From the least to the most urgent. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];
export const logLevelSchema = v.picklist(logLevels);

/** What is below is not written. Holds until the host's next start. */
interface LogLevelAnswer {
  readonly level: LogLevel;
}

export const logLevelMethodSchemas = {
  getLogLevel: v.strictObject({}),
  /** Until the host's next start. Of the host and its edges. */
  setLogLevel: v.strictObject({ level: logLevelSchema }),
} as const;
export interface LogLevelResults {
  getLogLevel: LogLevelAnswer;
  setLogLevel: LogLevelAnswer;
}

// The log: one JSON object per line, to standard error and to a file that is rotated by size.
import { redact, redactText } from './redact.ts';
import { RotatingFile } from './rotatingFile.ts';

const logLevels = ['debug', 'info', 'warn', 'error'] as const;
type LogLevel = (typeof logLevels)[number];
type LogFields = Readonly<Record<string, unknown>>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

export interface LogOptions {
  /** What is below is not written. */
  readonly level: LogLevel;
  readonly clock: () => number;
  /** Absent: standard error only. */
  readonly path?: string;
  /** Where each line goes besides the file; standard error where absent. */
  readonly write?: (line: string) => void;
}
export interface OpenLog {
  readonly log: Log;
  readonly close: () => void;
}

/** Throws where `path` cannot be opened: a host that cannot log should not start. */
export function openLog({ level: lowest, clock, path, write = writeToStderr }: LogOptions): OpenLog {
  const file = path === undefined ? undefined : new RotatingFile(path);
  const log: Log = (level, message, fields = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(lowest)) return;
    const at = new Date(clock()).toISOString();
    const entry = { at, level, message: redactText(message), ...(redact(fields) as LogFields) };
    const line = `${JSON.stringify(entry)}\n`;
    write(line);
    // A full disk must not stop the host for its log's sake: the journal decides that. Standard error has the line.
    if (file?.append(line) === false)
      write(`{"at":"${at}","level":"error","message":"log file not written"}\n`);
  };
  return {
    log,
    close: () => {
      file?.close();
    },
  };
}

function writeToStderr(line: string): void {
  process.stderr.write(line);
}

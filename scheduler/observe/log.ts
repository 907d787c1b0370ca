// The log: one JSON object per line, to standard error and to a file that is rotated by size and by day.
import type { LogLevel } from '../protocol/logLevel.ts';
import { logLevels } from '../protocol/logLevel.ts';
import { LogRepeats } from './logRepeats.ts';
import { KnownSecrets, redact, redactText } from './redact.ts';
import { type FileBounds, RotatingFile } from './rotatingFile.ts';

type LogFields = Readonly<Record<string, unknown>>;
export type Log = (level: LogLevel, message: string, fields?: LogFields) => void;

interface LogOptions {
  /** What is below is not written. */
  readonly level: LogLevel;
  readonly clock: () => number;
  /** Which part of Millrace speaks; a field `component` says it better. */
  readonly component: string;
  /** Absent: standard error only. */
  readonly path?: string;
  readonly bounds?: FileBounds;
  /** Where each line goes besides the file; standard error where absent. */
  readonly write?: (line: string) => void;
}
/** What may be changed of a log, or asked of it, while it is written. */
export interface LogControl {
  readonly level: () => LogLevel;
  readonly setLevel: (level: LogLevel) => void;
  /** This text never gets into a line from now on. */
  readonly hide: (secret: string) => void;
  /** True from a line that the file did not take, until one that it takes. */
  readonly isFailing: () => boolean;
}
export interface OpenLog extends LogControl {
  readonly log: Log;
  readonly close: () => void;
}

const sweepEveryMs = 10_000;
/** Each of these is a line of its own, however many there are: who did what, and why a process ended. */
const neverCollapsed = new Set(['audit', 'ending']);

/** Throws where `path` cannot be opened: a program that cannot log should not start. */
export function openLog(options: LogOptions): OpenLog {
  const { clock, path, bounds, component, write = writeToStderr } = options;
  let lowest = options.level;
  let isFailing = false;
  const file = path === undefined ? undefined : new RotatingFile(path, bounds);
  const secrets = new KnownSecrets();
  const put = (level: LogLevel, message: string, fields: LogFields): void => {
    const nowMs = clock();
    const head = { at: new Date(nowMs).toISOString(), level, component, message: redactText(message) };
    const line = lineOf(secrets, head, fields);
    write(line);
    // A full disk must not stop the host for its log's sake: the journal decides that. Standard error has the line.
    const isKept = file?.append(line, nowMs) ?? true;
    if (!isKept && !isFailing)
      write(lineOf(secrets, { ...head, level: 'error', message: 'log file not written' }, {}));
    isFailing = !isKept;
  };
  const repeats = new LogRepeats((key, repeated) => {
    const [level, part, message] = JSON.parse(key) as [LogLevel, string, string];
    put(level, message, { component: part, repeated });
  });
  const log: Log = (level, message, fields = {}) => {
    if (logLevels.indexOf(level) < logLevels.indexOf(lowest)) return;
    const key = JSON.stringify([level, fields['component'] ?? component, message]);
    if (neverCollapsed.has(message) || repeats.take(key, clock())) put(level, message, fields);
  };
  const sweeper = setInterval(() => {
    repeats.sweep(clock());
  }, sweepEveryMs);
  sweeper.unref();
  return {
    log,
    level: () => lowest,
    setLevel: (level) => {
      lowest = level;
    },
    hide: (secret) => {
      secrets.add(secret);
    },
    isFailing: () => isFailing,
    close: () => {
      clearInterval(sweeper);
      repeats.sweep();
      file?.close();
    },
  };
}

/** The same log, speaking for one part. */
export const logOf =
  (log: Log, component: string): Log =>
  (level, message, fields) => {
    log(level, message, { component, ...fields });
  };

type Head = Readonly<Record<'at' | 'level' | 'component' | 'message', string>>;

/** Fields never take the place of what each line has, but for the component. */
function lineOf(secrets: KnownSecrets, head: Head, fields: LogFields): string {
  const { component = head.component, ...others } = redact(fields) as Record<string, unknown>;
  const named = Object.entries(others).map(([name, value]) => [name in head ? `field_${name}` : name, value]);
  const entry = { ...head, component, ...(Object.fromEntries(named) as LogFields) };
  return `${secrets.hide(escapeControls(JSON.stringify(entry)))}\n`;
}

/** JSON escapes C0; a terminal also obeys C1, and is fooled by line separators and marks that turn the direction. */
const escapeControls = (json: string): string =>
  json.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

function writeToStderr(line: string): void {
  process.stderr.write(line);
}

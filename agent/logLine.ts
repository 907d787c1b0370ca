// What the agent says: a line on standard error for people, and JSON lines in its data folder. Never given a secret.
import { join } from 'node:path';
import { openLog } from '../scheduler/observe/log.ts';
import { agentLogBounds } from '../scheduler/observe/rotatingFile.ts';

type Level = 'info' | 'warn' | 'error';
type Fields = Readonly<Record<string, string | number | undefined>>;
/** Where a part of the agent says what happens. */
export type WriteLine = (level: Level, message: string, fields?: Fields) => void;

interface AgentLog {
  readonly log: WriteLine;
  /** This text never gets into a line from now on. */
  readonly hide: (secret: string) => void;
}

/** `agent.log`, some MiB in all however long the agent runs. Throws where it cannot be opened. */
export function openAgentLog(dataFolder: string): AgentLog {
  const { log, hide } = openLog({
    level: 'info',
    component: 'agent',
    clock: Date.now,
    path: join(dataFolder, 'agent.log'),
    bounds: agentLogBounds,
    // What was hidden in the JSON, and what was counted, is so on the terminal too.
    write: (line) => {
      process.stderr.write(`${forPeople(JSON.parse(line) as Entry)}\n`);
    },
  });
  return { log, hide };
}

/** For programs that keep no log of their own. */
export const writeToStderr: WriteLine = (level, message, fields) => {
  process.stderr.write(`${forPeople({ at: new Date().toISOString(), level, message, ...fields })}\n`);
};

interface Entry {
  readonly at: string;
  readonly level: string;
  readonly message: string;
  readonly component?: string;
  readonly [field: string]: unknown;
}

/** `2026-03-01T08:00:00.000Z warn connection lost reason="transport close"`. */
function forPeople({ at, level, message, ...fields }: Entry): string {
  const pairs = Object.entries(fields)
    .filter(([key, value]) => value !== undefined && key !== 'component')
    .map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
  return escapeControls(`${at} ${level} ${message}${pairs.join('')}`);
}

/** A terminal obeys these, and a line break would begin a line that the agent never wrote. */
const escapeControls = (text: string): string =>
  text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

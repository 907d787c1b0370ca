// Keeps what the shell says and its host prints: in the data folder and on the terminal. The host keeps its own log.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Log, openLog } from '../scheduler/observe/log.ts';

export interface ShellLog {
  write(text: string): void;
}

/** Of output without a line break: longer is cut into lines. */
const lineLengthMax = 16_384;
/** What each line of ours begins with; JSON of another program is a message like any other text. */
const ourLine = /^\{"at":"[^"]+","level":"(debug|info|warn|error)"/;

/** Throws where the data folder cannot be made or written. */
export function openShellLog(dataFolder: string, terminal = toTerminal): ShellLog {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const { log } = openLog({
    level: 'info',
    component: 'shell',
    clock: Date.now,
    path: join(dataFolder, 'shell.log'),
    write: () => undefined, // the terminal gets the text as it came
  });
  let rest = '';
  return {
    write: (text) => {
      terminal(text);
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > lineLengthMax) {
        lines.push(rest);
        rest = '';
      }
      for (const line of lines) if (line.trim() !== '') writeLine(log, line);
    },
  };
}

/** A line of the host keeps its level and fields. */
function writeLine(log: Log, line: string): void {
  const found = ourLine.test(line) ? entryIn(line) : undefined;
  if (!found) log('info', line);
  else {
    const { level, message, ...fields } = found;
    // When the host said it, beside when it came here.
    log(level, message, fields);
  }
}

type Entry = Readonly<Record<string, unknown>> & {
  readonly level: Parameters<Log>[0];
  readonly message: string;
};

function entryIn(line: string): Entry | undefined {
  try {
    const entry = JSON.parse(line) as Entry;
    return typeof entry.message === 'string' ? entry : undefined;
  } catch {
    return undefined; // cut
  }
}

function toTerminal(text: string): void {
  process.stdout.write(text);
}

// Keeps what the shell says and its host prints: in the data folder and on the terminal. The host keeps its own log.
import { createWriteStream, mkdirSync, renameSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Two files of this size at most, plus what one life writes: a log must not fill the disk the journal needs. */
const logBytesMax = 10 * 1024 * 1024;

export interface ShellLog {
  write(text: string): void;
}

export function openShellLog(dataFolder: string): ShellLog {
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  const path = join(dataFolder, 'shell.log');
  let written = sizeOf(path);
  let file = createWriteStream(path, { flags: 'a' });
  // A full disk must not end the console: the terminal still has the text, and the host raises its own alarm.
  const ignore = (): void => undefined;
  file.on('error', ignore);
  return {
    write: (text) => {
      process.stdout.write(text);
      if (written > logBytesMax) {
        file.end();
        renameSync(path, join(dataFolder, 'shell.1.log'));
        file = createWriteStream(path, { flags: 'a' });
        file.on('error', ignore);
        written = 0;
      }
      written += text.length;
      file.write(text);
    },
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}

// hub.json in the data folder: where the host listens now, for the command line on the same machine.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Log } from '../observe/log.ts';

const fileName = 'hub.json';

/**
 * Returns what removes it again: a file that is left behind tells of a host that did not stop in order. Where it cannot
 * be written the host runs on; the command line then has to be told the address.
 */
export function writeHubFile(folder: string, address: string, log: Log): () => void {
  const path = join(folder, fileName);
  const text = `${JSON.stringify({ address, pid: process.pid })}\n`;
  try {
    writeFileSync(`${path}.next`, text, { mode: 0o600 });
    renameSync(`${path}.next`, path);
  } catch (error) {
    log('warn', 'hub.json cannot be written: give --hub to the command line', { path, why: String(error) });
  }
  return () => {
    // Another host may have begun to use the folder.
    if (existsSync(path) && readFileSync(path, 'utf8') === text) rmSync(path);
  };
}

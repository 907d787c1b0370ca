// The guarded effect: one line in a file, exactly once per task, whichever attempts come to write it.
import { constants, existsSync, realpathSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { syncFolder } from '../ledger.ts';
import { type Answer, exits } from './exits.ts';
import { lockFile } from './fileLock.ts';

/** Read whole for every line: some 30 ms. Larger files belong into pieces, one per day or per order. */
const fileBytesMax = 64 * 1024 * 1024;
export const lineTextMax = 4_096;

export interface GuardedLine {
  /** `T-1A` */
  readonly task: string;
  readonly token: number;
  readonly text: string;
}

/** What a crash in the middle of our own append can leave: a beginning of `T-1A 5 text`, or zeros. */
const ownTornTail = /^(T?|T-[0-9A-Z]*|T-[0-9A-Z]+ \d*|T-[0-9A-Z]+ \d+ [^\n]*)\0*$/;

/** Writers of this process wait here and not at the lock, where each would look again every few milliseconds. */
const queues = new Map<string, Promise<unknown>>();

export async function appendOnce(file: string, line: GuardedLine): Promise<Answer> {
  const real = realPathOf(file);
  const before = queues.get(real) ?? Promise.resolve();
  const work = before.then(() => appendLocked(real, line)).catch(failureOf);
  queues.set(real, work);
  const answer = await work;
  if (queues.get(real) === work) queues.delete(real);
  return answer;
}

async function appendLocked(file: string, line: GuardedLine): Promise<Answer> {
  const lock = await lockFile(file);
  if (!lock.ok) return { code: exits.notNow, said: lock.reason };
  try {
    const isNew = !existsSync(file);
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT, 0o644);
    try {
      return await appendTo(handle, line, () => {
        if (isNew) syncFolder(dirname(file));
      });
    } finally {
      await handle.close();
    }
  } finally {
    lock.value();
  }
}

async function appendTo(handle: FileHandle, line: GuardedLine, syncName: () => void): Promise<Answer> {
  const { size } = await handle.stat();
  if (size > fileBytesMax)
    return {
      code: exits.badFile,
      said: `the file is larger than ${String(fileBytesMax)} bytes; begin a new one`,
    };
  const text = await handle.readFile('latin1');
  const end = text.lastIndexOf('\n') + 1;
  if (!ownTornTail.test(text.slice(end)))
    return {
      code: exits.badFile,
      said: 'the file ends in the middle of a line that is not of the guard; end it first',
    };
  const done = newestTokenOf(text.slice(0, end), line.task);
  if (done !== undefined && done > line.token)
    return { code: exits.notMine, said: `done by a newer attempt, token ${String(done)}` };
  if (done !== undefined) return { code: exits.mine, said: `already done by attempt token ${String(done)}` };
  const bytes = Buffer.from(`${line.task} ${String(line.token)} ${line.text}\n`);
  try {
    await handle.truncate(end);
    await handle.write(bytes, 0, bytes.length, end);
    await handle.sync();
    syncName();
  } catch (error) {
    await handle.truncate(end);
    throw error;
  }
  return { code: exits.mine, said: 'done' };
}

/** The highest token among the task's lines. */
function newestTokenOf(text: string, task: string): number | undefined {
  let newest: number | undefined;
  const wanted = `\n${task} `;
  const lines = `\n${text}`;
  for (let at = lines.indexOf(wanted); at >= 0; at = lines.indexOf(wanted, at + 1)) {
    const token = Number.parseInt(lines.slice(at + wanted.length, at + wanted.length + 20), 10);
    // A line of the task whose token cannot be read still says that the effect took place.
    newest = Math.max(newest ?? 0, Number.isSafeInteger(token) ? token : 0);
  }
  return newest;
}

/** Two names of one file must meet at one lock. */
function realPathOf(file: string): string {
  try {
    return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file));
  } catch {
    return file;
  }
}

const failureOf = (error: unknown): Answer => ({
  code: exits.ioError,
  said: error instanceof Error ? error.message : String(error),
});

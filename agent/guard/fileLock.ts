// One writer at a time for a file that several agents of this machine append to.
import { createHash } from 'node:crypto';
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import * as v from 'valibot';
import { accepted, type Outcome, refused } from '../../scheduler/protocol/outcome.ts';
import { identify, isAlive } from '../processTree.ts';

/** A writer holds it for one read, one append and one fsync: a disk that takes longer is in trouble. */
const waitMaxMs = 10_000;
const pollMs = 3;

const ownerSchema = v.object({
  pid: v.number(),
  startTicks: v.optional(v.number()),
  boot: v.optional(v.string()),
  host: v.string(),
});

let taken = 0;

/**
 * The lock is a symbolic link beside the file whose target names its owner: made with its content in one step, so
 * that nobody ever reads half a lock. The value gives it back. Refuses in words after 10 s.
 */
export async function lockFile(file: string): Promise<Outcome<() => void, string>> {
  const path = `${file}.lock`;
  const untilMs = performance.now() + waitMaxMs;
  for (;;) {
    if (tryLock(path)) {
      return accepted(() => {
        rmSync(path, { force: true });
      });
    }
    if (performance.now() > untilMs) {
      const holder = holderOf(path) ?? 'another process';
      return refused(`${path} is held by ${holder} for more than ${String(waitMaxMs / 1_000)} s; try again`);
    }
    await new Promise((resolve) => setTimeout(resolve, pollMs * (0.5 + Math.random())));
  }
}

function tryLock(path: string): boolean {
  taken += 1;
  const owner = JSON.stringify({ ...identify(process.pid), host: hostname(), serial: taken });
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = holderOf(path);
  if (holder !== undefined && isDead(holder)) breakLock(path, holder);
  return false;
}

/**
 * Of all that saw this dead owner, one may remove its lock: the one that holds a lock named after that owner. It looks
 * again first, so that a lock that somebody took meanwhile is never removed. A breaker that dies leaves a lock that is
 * broken in the same way.
 */
function breakLock(path: string, holder: string): void {
  const right = `${path}.${createHash('sha256').update(holder).digest('hex').slice(0, 8)}`;
  if (!tryLock(right)) return;
  if (holderOf(path) === holder) rmSync(path, { force: true });
  rmSync(right, { force: true });
}

function holderOf(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    // Given back meanwhile, or no link of ours: then it is waited for, and in the end named as it is.
    return undefined;
  }
}

/** An owner on another machine, or one that we cannot read, is never taken for dead. */
function isDead(holder: string): boolean {
  try {
    const { host, ...identity } = v.parse(ownerSchema, JSON.parse(holder));
    return host === hostname() && !isAlive(identity);
  } catch {
    return false;
  }
}

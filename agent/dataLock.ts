// One agent per data folder: a lock file that names its owner, so that one left by a crash is recognised.
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { accepted, type Outcome, refused } from '../scheduler/protocol/outcome.ts';
import { identify, isAlive, type ProcessIdentity } from './processTree.ts';

const ownerSchema = v.object({
  pid: v.pipe(v.number(), v.integer(), v.minValue(1)),
  startTicks: v.optional(v.number()),
  boot: v.optional(v.string()),
});

/** The value releases the lock. Refuses in words while another agent lives. */
export function lockData(dataFolder: string): Outcome<() => void, string> {
  const path = join(dataFolder, 'agent.lock');
  const mine = identify(process.pid);
  for (let tries = 0; tries < 3; tries += 1) {
    if (createWhole(path, JSON.stringify(mine))) {
      return accepted(() => {
        rmSync(path, { force: true });
      });
    }
    const owner = readOwner(path);
    // Without start times, our own number can only be left from an earlier life (a container's pid 1).
    const isStale =
      !owner || !isAlive(owner) || (owner.startTicks === undefined && owner.pid === process.pid);
    if (!isStale)
      return refused(
        `--data: ${dataFolder} is in use by another agent (pid ${String(owner.pid)}); ` +
          'stop that one, or give this one a folder of its own',
      );
    rmSync(path, { force: true });
  }
  return refused(`--data: ${path} cannot be locked; another agent is starting at the same moment`);
}

/** Creates a file together with its content, so that nobody reads an empty lock. False where it exists. */
function createWhole(path: string, text: string): boolean {
  const draft = `${path}.${String(process.pid)}`;
  writeFileSync(draft, text, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function readOwner(path: string): ProcessIdentity | undefined {
  try {
    const read = v.safeParse(ownerSchema, JSON.parse(readFileSync(path, 'utf8')));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}

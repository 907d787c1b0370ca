// From a backup to a data folder that a host can start in. Nothing that is there is touched before the copy is proven.
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openHistory } from '../history/store.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { appendRepair, skippedNumbers } from './appendRepair.ts';
import { checkBackup, type Manifest } from './backupManifest.ts';
import { hostFilesIn, isInUse, moveAside } from './dataFolder.ts';
import { stampOf, syncPath } from './durableFiles.ts';
import { historyThread } from './threadFiles.ts';

export interface RestoreAsk {
  readonly from: string;
  readonly dataFolder: string;
  /** True: what is in the data folder is moved aside. */
  readonly isForced: boolean;
}
export interface Restored {
  readonly manifest: Manifest;
  readonly liveTasks: number;
  readonly endedTasks: number;
  /** Where the files went that were there before. */
  readonly aside?: string;
  readonly notices: readonly string[];
}

/** Why the folder cannot be restored into; undefined: it can. */
export async function hindranceOf({ dataFolder, isForced }: RestoreAsk): Promise<string | undefined> {
  if (isInUse(dataFolder))
    return `a host uses ${dataFolder}: stop it first, or give another folder with --data`;
  const present = await hostFilesIn(dataFolder);
  if (present.length === 0 || isForced) return undefined;
  return (
    `${dataFolder} holds ${present.join(', ')} of a host: give another folder with --data, or --force, ` +
    'which moves them aside into a folder replaced-... there'
  );
}

/** Refuses with one line for each thing that is wrong. The data folder is then as it was. */
export async function restoreBackup(
  ask: RestoreAsk,
  onProgress: (bytes: number, total: number) => void,
): Promise<Outcome<Restored, readonly string[]>> {
  const checked = await checkBackup(ask.from, onProgress);
  if (!checked.ok) return checked;
  const hindrance = await hindranceOf(ask);
  if (hindrance !== undefined) return refused([hindrance]);
  const part = join(ask.dataFolder, `restoring-${stampOf(Date.now())}`);
  await mkdir(part, { recursive: true, mode: 0o700 });
  try {
    for (const { name } of checked.value.files) {
      await copyFile(join(ask.from, name), join(part, name));
      await syncPath(join(part, name));
    }
    const proven = await prove(part);
    if (!proven.ok) return refused([`${proven.reason}; use another backup`]);
    const aside = await putInPlace(part, ask.dataFolder);
    const moved = aside === undefined ? {} : { aside };
    return accepted({ manifest: checked.value, ...proven.value, ...moved });
  } finally {
    await rm(part, { recursive: true, force: true });
  }
}

/** Opens the copies as a host would, and appends what keeps numbers from being given out twice. */
async function prove(part: string): Promise<Outcome<Omit<Restored, 'manifest' | 'aside'>, string>> {
  const history = await openHistory({ folder: part, threadFile: historyThread, onFailure: () => undefined });
  if (!history.ok) return refused(history.reason.message);
  const { cursor } = history.value;
  const { tasks: endedTasks } = history.value.stats();
  await history.value.close();
  const repaired = await appendRepair(part, (state) => [
    {
      kind: 'journal_repaired',
      nextTaskId: state.nextTaskId + skippedNumbers,
      nextToken: state.nextToken + skippedNumbers,
      ended: [],
    },
  ]);
  if (!repaired.ok) return repaired;
  const { lastSequence, liveTasks, notices } = repaired.value;
  if (cursor >= lastSequence)
    return refused(
      `history.db has seen batch ${cursor}, journal.db ends at ${lastSequence - 1}: they do not belong together`,
    );
  return accepted({ liveTasks, endedTasks, notices });
}

async function putInPlace(part: string, dataFolder: string): Promise<string | undefined> {
  const present = await hostFilesIn(dataFolder);
  const aside = present.length === 0 ? undefined : await moveAside(dataFolder, present);
  await syncPath(part, true);
  for (const name of await readdir(part)) await rename(join(part, name), join(dataFolder, name));
  await syncPath(dataFolder, true);
  await syncPath(dirname(dataFolder), true);
  return aside;
}

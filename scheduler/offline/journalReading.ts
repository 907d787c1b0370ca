// A journal whose host does not run, opened to be read: its rows, its state, and what opening it would say.
import { join } from 'node:path';
import { Core } from '../core/cycle.ts';
import { decodeGroup } from '../journal/record.ts';
import { type Examined, readRows } from '../journal/recover.ts';
import { journalApplicationId, journalFile, journalMigrations } from '../journal/schema.ts';
import { partsGiven, readPart } from '../journal/snapshotReader.ts';
import type { Batch } from '../protocol/events.ts';
import type { Database } from '../sqlite/driver.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { type OpenedToRead, openReadOnly } from '../sqlite/readOnly.ts';

export interface Output {
  /** Results. */
  readonly out: (text: string) => void;
  /** What people read meanwhile. */
  readonly say: (text: string) => void;
  /** Resolves once what was given to `out` has gone on its way: for results that are larger than memory. */
  readonly drained?: () => Promise<void>;
}

/** As docs/API.md lists them for every command. */
export const exitCodes = { ok: 0, damaged: 1, usage: 2, notFound: 5, refused: 6 } as const;

/** Ends a command with words for people and an exit code. */
export class CommandEnds extends Error {
  readonly exitCode: number;
  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const journalPathIn = (folder: string): string => join(folder, journalFile);

export const openJournalToRead = (path: string): OpenedToRead =>
  openReadOnly({ path, applicationId: journalApplicationId, migrations: journalMigrations });

/** Runs `work` on the journal of a folder. Ends the command where it cannot be read. */
export async function withJournal<Result>(
  folder: string,
  work: (database: Database, path: string) => Promise<Result> | Result,
): Promise<Result> {
  const path = journalPathIn(folder);
  const opened = openJournalToRead(path);
  if (!opened.ok) throw endOf(opened.reason, folder);
  try {
    return await work(opened.value.database, path);
  } finally {
    opened.value.close();
  }
}

function endOf({ cause, message }: StorageFault, folder: string): CommandEnds {
  if (cause === 'in_use')
    return new CommandEnds(
      exitCodes.refused,
      `the host of ${folder} runs, so its journal is in use: make a backup ("millrace backup") and look at that ` +
        'copy, or stop the host first',
    );
  if (cause === 'cannot_open' && message.startsWith('there is no'))
    return new CommandEnds(exitCodes.notFound, `${message}: is ${folder} the data folder of a host?`);
  return new CommandEnds(cause === 'damaged' ? exitCodes.damaged : exitCodes.refused, message);
}

/** Payload bytes that are held at a time. */
const chunkBytes = 4 * 1024 * 1024;

/** The batches of rows after one id up to another. Only for rows that were walked: a damaged one throws. */
export function* batchesOf(
  database: Database,
  ids: { readonly afterId: number; readonly lastId: number },
): Generator<Batch> {
  let { afterId } = ids;
  while (afterId < ids.lastId) {
    const { payloads, lastId } = readRows(database, { afterId, lastId: ids.lastId }, chunkBytes);
    if (lastId === afterId) return;
    for (const payload of payloads) {
      const group = decodeGroup(payload);
      if (!group.ok) throw new Error(`the journal: ${group.reason}`);
      yield* group.value;
    }
    afterId = lastId;
  }
}

/** The state after the last good row. Throws where the batches do not fit together. */
export function replayed(
  database: Database,
  { snapshot, walk }: Pick<Examined, 'snapshot' | 'walk'>,
  onBatch: (batch: Batch) => void = () => undefined,
): Core {
  const core = new Core();
  if (snapshot) {
    const restoring = core.restore();
    for (let part = 0; part < partsGiven(snapshot); part += 1)
      restoring.take(Buffer.from(readPart(database, snapshot, part)).toString('utf8'));
    restoring.finish();
  }
  for (const batch of batchesOf(database, walk)) {
    if (batch.sequence <= core.state.sequence) continue;
    onBatch(batch);
    core.replay(batch);
  }
  return core;
}

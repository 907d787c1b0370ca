// Opens a journal that no host uses, brings its state back, and appends one batch that makes good for what was lost.
import { Core } from '../core/cycle.ts';
import { openJournal, type Recovered } from '../journal/journal.ts';
import { ms } from '../protocol/brands.ts';
import type { Event } from '../protocol/events.ts';
import { accepted, type Outcome, refused } from '../protocol/outcome.ts';
import { journalThread } from './threadFiles.ts';

/**
 * Task ids and tokens that lost batches may have given out, at the most: a day at 10 a second, or some hundred of the
 * largest arrays. Given out again they would be taken for old ones by agents and by programs.
 */
export const skippedNumbers = 1_000_000_000;

export interface Repaired {
  readonly lastSequence: number;
  readonly liveTasks: number;
  readonly notices: readonly string[];
}

/** Refuses with the words of the journal, or of the replay, where they do not fit together. */
export async function appendRepair(
  folder: string,
  eventsFor: (state: Core['state']) => readonly Event[],
): Promise<Outcome<Repaired, string>> {
  let failure = '';
  const onFailure = ({ message }: { readonly message: string }): void => {
    failure = message;
  };
  const opened = await openJournal({ folder, threadFile: journalThread, onFailure });
  if (!opened.ok) return refused(opened.reason.message);
  const { journal, recovered } = opened.value;
  try {
    const core = await replayed(recovered);
    const { state } = core;
    const batch = {
      sequence: state.sequence + 1,
      atMs: ms(Math.max(Date.now(), state.lastBatchAtMs)),
      events: eventsFor(state),
    };
    // Tried first: what cannot be applied must not be in the file.
    core.replay(batch);
    await journal.append(batch);
    const { notices } = recovered;
    return accepted({ lastSequence: batch.sequence, liveTasks: state.tasks.size, notices });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return refused(failure === '' ? `the journal in ${folder} cannot be replayed: ${why}` : failure);
  } finally {
    await journal.close();
  }
}

async function replayed({ snapshot, batches }: Recovered): Promise<Core> {
  const core = new Core();
  if (snapshot) {
    const restoring = core.restore();
    for await (const part of snapshot.parts) restoring.take(part);
    restoring.finish();
  }
  for await (const chunk of batches) for (const batch of chunk) core.replay(batch);
  return core;
}

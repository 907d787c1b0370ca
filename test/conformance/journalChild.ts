// A process that appends to a journal until it is killed, and prints the number of each batch that became durable.
// It takes snapshots too, so that kills also meet half-written ones and pruning.
import { writeSync } from 'node:fs';
import { openJournal } from '../../scheduler/journal/journal.ts';
import { batchOf } from './journalBatches.ts';

const opened = await openJournal({
  folder: process.argv[2] ?? '',
  threadFile: new URL('../../scheduler/journal/journalThread.ts', import.meta.url),
  onFailure: (cause) => {
    throw new Error(cause.message);
  },
});
if (!opened.ok) throw new Error(opened.reason.message);
const { journal, recovered } = opened.value;
const snapshotEvery = 150;
/** Batches under way at a time. */
const window = 8;

let next = recovered.lastSequence + 1;
async function appendOn(): Promise<never> {
  for (;;) {
    const sequence = next;
    next += 1;
    await journal.append(batchOf(sequence));
    writeSync(1, `${sequence}\n`);
    if (sequence % snapshotEvery === 0)
      await journal.snapshot(
        sequence,
        Array.from({ length: 12 }, () => 's'.repeat(250_000)),
      );
  }
}
await Promise.all(Array.from({ length: window }, appendOn));

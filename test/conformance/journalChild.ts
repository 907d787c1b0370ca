// A process that appends to a journal until it is killed, and prints the number of each batch that became durable.
// It takes snapshots too, so that kills also meet half-written ones and pruning. With a second word a recorder follows.
import { writeSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { openJournal } from '../../scheduler/journal/journal.ts';
import { batchOf } from './journalBatches.ts';
import { recorderOf } from './recorderStage.ts';

const [folder = '', withRecorder] = process.argv.slice(2);
const { port1, port2 } = new MessageChannel();
const isFollowed = withRecorder !== undefined;
const opened = await openJournal({
  folder,
  threadFile: new URL('../../scheduler/journal/journalThread.ts', import.meta.url),
  ...(isFollowed && { feed: port1 }),
  onFailure: (cause) => {
    throw new Error(cause.message);
  },
});
if (!opened.ok) throw new Error(opened.reason.message);
if (isFollowed)
  recorderOf(folder, port2, (message) => {
    throw new Error(message);
  });
const { journal, recovered } = opened.value;
const snapshotEvery = isFollowed ? 60 : 150;
/** A recorder reads the time of a snapshot in its first part. The rest takes many writes, for kills to meet. */
const partsAfterFirst = isFollowed ? 1 : 11;
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
      await journal.snapshot(sequence, [
        JSON.stringify({ lastBatchAtMs: batchOf(sequence).atMs }),
        ...Array.from({ length: partsAfterFirst }, () => 's'.repeat(250_000)),
      ]);
  }
}
await Promise.all(Array.from({ length: window }, appendOn));

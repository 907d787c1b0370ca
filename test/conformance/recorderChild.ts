// A process that appends to a journal which a recorder follows, until it is killed; prints each number that is durable.
// It takes snapshots too, so that the journal lets rows go.
import { writeSync } from 'node:fs';
import { MessageChannel } from 'node:worker_threads';
import { openJournal } from '../../scheduler/journal/journal.ts';
import { Recorder } from '../../scheduler/recorder/recorder.ts';
import { batchOf } from './journalBatches.ts';

const folder = process.argv[2] ?? '';
const source = (path: string): URL => new URL(`../../scheduler/${path}`, import.meta.url);
const { port1, port2 } = new MessageChannel();
const opened = await openJournal({
  folder,
  threadFile: source('journal/journalThread.ts'),
  feed: port1,
  onFailure: (cause) => {
    throw new Error(cause.message);
  },
});
if (!opened.ok) throw new Error(opened.reason.message);
new Recorder({
  folder,
  bounds: { keepMs: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER },
  recorderThread: source('recorder/recorderThread.ts'),
  pastThread: source('recorder/pastThread.ts'),
  whatIfThread: source('recorder/whatIfThread.ts'),
  snapshotEveryBytes: 1,
  feed: port2,
  log: (_level, message, details) => {
    throw new Error(`${message} ${JSON.stringify(details)}`);
  },
});
const { journal, recovered } = opened.value;
const snapshotEvery = 60;
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
        's'.repeat(250_000),
      ]);
  }
}
await Promise.all(Array.from({ length: window }, appendOn));

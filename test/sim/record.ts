// Records a simulated journal in today's format, with the digest that it has to give: one file for test/replay.
import { writeFileSync } from 'node:fs';
import { simulate } from './simulate.ts';

const bytesMax = 200_000;
const seedsMost = 2_000;
const needs = ['olderJournal', 'nodeForgotten', 'hostCrash'];
const wanted = [
  'epoch_started',
  'task_requeued',
  'task_cancel_requested',
  'task_dead_lettered',
  'node_lost',
  'node_cordon_set',
  'queue_put',
  'node_forgotten',
  'journal_repaired',
];

/** Writes the first seed that is small enough and has the events that matter; says which. */
export function record(file: string): string {
  for (let seed = 1; seed <= seedsMost; seed += 1) {
    const { violations, digest, disk } = simulate(seed, { needs });
    const batches = disk.batchesAfter(0);
    const kinds = new Set<string>(batches.flatMap(({ events }) => events.map(({ kind }) => kind)));
    // Batches as text, one a line: as the journal has them, and as a difference is read.
    const rows = batches.map((batch) => JSON.stringify(batch));
    const text = `${JSON.stringify({ seed, digest, batches: rows }, null, 2)}\n`;
    if (violations.length > 0 || text.length > bytesMax || !wanted.every((kind) => kinds.has(kind))) continue;
    writeFileSync(file, text);
    return `seed ${seed}: ${batches.length} batches, ${text.length} bytes, ${kinds.size} kinds of events, digest ${digest}`;
  }
  throw new Error(`none of ${seedsMost} seeds is small enough and has every kind of event`);
}

// How fast the journal makes transitions durable: an offered load through the real thread, and as a peer the same
// transitions at one row each, committed in the same groups.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { type JournalPort, openJournal } from '../scheduler/journal/journal.ts';
import { ms, nodeId, taskId, token } from '../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../scheduler/protocol/events.ts';
import { type Bench, type Measured, quantile, rounded, wholeOption } from './bench.ts';

/** Options: `offered` transitions per second (100,000), `seconds` (5), `folder` on the disk to measure. */
const journal: Bench = async (options): Promise<Measured> => {
  const offeredPerS = wholeOption(options, 'offered', 100_000);
  const seconds = wholeOption(options, 'seconds', 5);
  const place = mkdtempSync(join(options['folder'] ?? tmpdir(), 'millrace-bench-'));
  try {
    const offered = await withJournal(join(place, 'offered'), (port) => offer(port, offeredPerS, seconds));
    const closed = await withJournal(join(place, 'closed'), (port) => saturate(port, seconds / 2));
    return {
      params: { offeredPerS, seconds, batch: 'one per ms of load', peerGroupEvents },
      figures: { ...offered, closedLoopTransitionsPerS: closed },
      peers: {
        rowPerTransitionPerS: rowPerTransition(join(place, 'rows.db'), seconds / 2, peerGroupEvents),
        commitPerTransitionPerS: rowPerTransition(join(place, 'commits.db'), seconds / 2, 1),
      },
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
};
export default journal;

/** What one attempt leaves: placed, started, ended, task succeeded. */
function eventOf(number: number): Event {
  const id = Math.trunc(number / 4) + 1;
  if (number % 4 === 0)
    return {
      kind: 'attempt_placed',
      taskId: taskId(id),
      token: token(id),
      nodeId: nodeId('BOD-L08-C03-N07'),
      gpuMask: 0,
    };
  if (number % 4 === 1) return { kind: 'attempt_started', token: token(id) };
  if (number % 4 === 2)
    return {
      kind: 'attempt_ended',
      token: token(id),
      end: { reason: 'exit', exitCode: 0, runMs: ms(1_250) },
    };
  return { kind: 'task_succeeded', taskId: taskId(id) };
}
const batchOf = (sequence: number, from: number, count: number): Batch => ({
  sequence,
  atMs: ms(1_700_000_000_000 + sequence),
  events: Array.from({ length: count }, (_, at) => eventOf(from + at)),
});

async function withJournal<Result>(
  folder: string,
  work: (port: JournalPort) => Promise<Result>,
): Promise<Result> {
  const opened = await openJournal({
    folder,
    threadFile: new URL('../scheduler/journal/journalThread.ts', import.meta.url),
    onFailure: (cause) => {
      throw new Error(cause.message);
    },
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  const result = await work(opened.value.journal);
  await opened.value.journal.close();
  return result;
}

/** Open loop: each turn of the event loop appends what the clock says is due, whether or not the disk keeps up. */
async function offer(journal: JournalPort, offeredPerS: number, seconds: number) {
  const latenciesMs: number[] = [];
  const writes: Promise<void>[] = [];
  const startedMs = performance.now();
  let events = 0;
  let sequence = 0;
  for (;;) {
    const nowMs = performance.now();
    if (nowMs - startedMs > seconds * 1_000) break;
    const due = Math.trunc(((nowMs - startedMs) * offeredPerS) / 1_000) - events;
    if (due >= offeredPerS / 1_000) {
      sequence += 1;
      const appended = journal.append(batchOf(sequence, events, due));
      events += due;
      writes.push(appended.then(() => void latenciesMs.push(performance.now() - nowMs)));
    }
    await turn();
  }
  await Promise.all(writes);
  const tookS = (performance.now() - startedMs) / 1_000;
  return {
    transitionsPerS: Math.round(events / tookS),
    durableP50Ms: rounded(quantile(latenciesMs, 0.5)),
    durableP99Ms: rounded(quantile(latenciesMs, 0.99)),
    commits: journal.stats().commits,
  };
}

/** Closed loop: as many as go through with 32 batches of 250 under way. */
async function saturate(journal: JournalPort, seconds: number): Promise<number> {
  const endMs = performance.now() + seconds * 1_000;
  const startedMs = performance.now();
  let sequence = 0;
  const keepOn = async (): Promise<void> => {
    while (performance.now() < endMs) {
      sequence += 1;
      await journal.append(batchOf(sequence, sequence * 250, 250));
    }
  };
  await Promise.all(Array.from({ length: 32 }, keepOn));
  return Math.round((sequence * 250 * 1_000) / (performance.now() - startedMs));
}

const peerGroupEvents = 100;
/** The simple design: one row per transition, the same groups, WAL and synchronous=FULL, without a thread between. */
function rowPerTransition(path: string, seconds: number, groupEvents: number): number {
  const database = new DatabaseSync(path);
  database.exec(
    'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE event (at INTEGER, json TEXT)',
  );
  const insert = database.prepare('INSERT INTO event VALUES (?, ?)');
  const startedMs = performance.now();
  let events = 0;
  while (performance.now() - startedMs < seconds * 1_000) {
    database.exec('BEGIN IMMEDIATE');
    for (let at = 0; at < groupEvents; at += 1) {
      insert.run(events, JSON.stringify(eventOf(events)));
      events += 1;
    }
    database.exec('COMMIT');
  }
  const perS = Math.round((events * 1_000) / (performance.now() - startedMs));
  database.close();
  return perS;
}

// How fast the journal makes transitions durable, offered through the real thread, and what a snapshot and a live copy
// cost meanwhile. Peers: the same transitions at one row each in SQLite, committed batch by batch as the core gives them;
// in groups as large as ours; and one by one.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setImmediate as turn } from 'node:timers/promises';
import { type JournalPort, openJournal } from '../scheduler/journal/journal.ts';
import { ms, nodeId, taskId, token } from '../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../scheduler/protocol/events.ts';
import { type Bench, type Measured, quantile, rounded, wholeOption } from './bench.ts';

/** The promise is for the first; the others look for the most that keeps it. */
const rates = [100_000, 200_000, 400_000, 800_000, 1_200_000, 1_600_000];
const p50MaxMs = 1;
const snapshotMiB = 200;
/** What one turn gives at 100,000 a second and a turn each ms: a journal without group commit commits that. */
const batchEvents = 100;

/** Options: `offered` transitions per second (all rates), `seconds` of each phase (4), `folder` on the disk to measure. */
const journal: Bench = async (options): Promise<Measured> => {
  const seconds = wholeOption(options, 'seconds', 4);
  const offered = options['offered'] === undefined ? rates : [wholeOption(options, 'offered', 1)];
  const place = mkdtempSync(join(options['folder'] ?? tmpdir(), 'millrace-bench-'));
  const each = <Result>(name: string, work: (port: JournalPort) => Promise<Result>): Promise<Result> =>
    withJournal(join(place, name), work);
  try {
    const steps: Step[] = [];
    for (const rate of offered) {
      const step = await each(`rate${rate}`, (port) => offer(port, rate, seconds));
      steps.push(step);
      if (!keeps(step)) break;
    }
    const [first] = steps;
    const best = steps.findLast(keeps) ?? first;
    if (!first || !best) throw new Error('no rate was measured');
    const groupEvents = Math.max(1, Math.round(best.events / best.commits));
    return {
      params: { offeredPerS: best.offeredPerS, seconds, p50MaxMs, batchEvents, groupEvents, snapshotMiB },
      figures: {
        ...figuresOf(best),
        firstRatePerS: first.transitionsPerS,
        firstRateP50Ms: first.p50Ms,
        firstRateP99Ms: first.p99Ms,
        closedLoopTransitionsPerS: await each('closed', (port) => saturate(port, seconds / 2)),
        ...(await each('disturbed', (port) => disturb(port, join(place, 'copy.db')))),
      },
      peers: {
        rowPerTransitionPerS: rowPerTransition(join(place, 'batches.db'), seconds, batchEvents),
        rowPerTransitionOurGroupsPerS: rowPerTransition(join(place, 'groups.db'), seconds, groupEvents),
        commitPerTransitionPerS: rowPerTransition(join(place, 'commits.db'), seconds / 2, 1),
      },
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
};
export default journal;

interface Step {
  readonly offeredPerS: number;
  readonly events: number;
  readonly commits: number;
  readonly transitionsPerS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}
/** As many became durable as were offered, in time. */
const keeps = ({ transitionsPerS, offeredPerS, p50Ms }: Step): boolean =>
  p50Ms <= p50MaxMs && transitionsPerS >= offeredPerS * 0.97;

const figuresOf = ({ transitionsPerS, p50Ms, p99Ms, commits }: Step) => ({
  transitionsPerS,
  durableP50Ms: p50Ms,
  durableP99Ms: p99Ms,
  commits,
});

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
async function offer(journal: JournalPort, offeredPerS: number, seconds: number): Promise<Step> {
  let isOver = false;
  const over = setTimeout(() => (isOver = true), seconds * 1_000);
  const commitsBefore = journal.stats().commits;
  const offered = await offerUntil(journal, offeredPerS, () => isOver);
  clearTimeout(over);
  return { ...offered, commits: journal.stats().commits - commitsBefore };
}

async function offerUntil(journal: JournalPort, offeredPerS: number, isOver: () => boolean) {
  const latenciesMs: number[] = [];
  const writes: Promise<void>[] = [];
  const startedMs = performance.now();
  let events = 0;
  let sequence = journal.stats().durableSequence;
  while (!isOver()) {
    const nowMs = performance.now();
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
    offeredPerS,
    events,
    transitionsPerS: Math.round(events / tookS),
    p50Ms: rounded(quantile(latenciesMs, 0.5)),
    p99Ms: rounded(quantile(latenciesMs, 0.99)),
  };
}

/** The first rate, quietly, during a snapshot, and during a copy of the file with that snapshot in it. */
async function disturb(journal: JournalPort, copy: string) {
  const [rate = 0] = rates;
  const quiet = await offer(journal, rate, 2);
  const during = async (work: Promise<unknown>) => {
    let isOver = false;
    const startedMs = performance.now();
    const ended = work.then(() => {
      isOver = true;
      return performance.now() - startedMs;
    });
    const { p50Ms, p99Ms } = await offerUntil(journal, rate, () => isOver);
    return { p50Ms, p99Ms, tookS: rounded((await ended) / 1_000) };
  };
  const part = 's'.repeat(256 * 1024);
  const parts = Array.from({ length: snapshotMiB * 4 }, () => part);
  const snapshot = await during(journal.snapshot(journal.stats().durableSequence, parts));
  const signal = new AbortController().signal;
  const backup = await during(journal.backupTo(copy, { onProgress: () => undefined, signal }));
  return {
    quietP99Ms: quiet.p99Ms,
    snapshotP50Ms: snapshot.p50Ms,
    snapshotP99Ms: snapshot.p99Ms,
    snapshotS: snapshot.tookS,
    backupP50Ms: backup.p50Ms,
    backupP99Ms: backup.p99Ms,
    backupS: backup.tookS,
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

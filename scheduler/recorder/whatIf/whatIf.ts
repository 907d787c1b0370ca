// A what-if from the record to its answer: the state and the load are read, then both runs are made from the same
// snapshot, without and with the changes.
import type { Core } from '../../core/cycle.ts';
import type { Database } from '../../sqlite/driver.ts';
import type { WhatIfAnswer, WhatIfAsks, WhatIfOutcome } from '../../protocol/whatIf.ts';
import { Past } from '../past.ts';
import { blocksAfter } from '../reading.ts';
import { Load, type UnderWay } from './load.ts';
import { Run, type RunParts } from './run.ts';
import { liveRows } from './tally.ts';

export interface Step {
  readonly message: string;
  /** 0 to 1, of what the message names. */
  readonly part: number;
}

/** In steps of some ms. Throws `NotRecorded` and `Refused` in words for whoever asked. */
export function* whatIf(database: Database, asks: WhatIfAsks): Generator<Step, WhatIfAnswer> {
  const parts = yield* prepared(database, asks);
  const baseline = yield* run(parts, [], 'runs the load as it was');
  const changed = yield* run(parts, asks.changes, 'runs the load with the changes');
  const digestsEqual = asks.verify ? yield* isRepeated(parts, asks, [baseline, changed]) : undefined;
  return {
    baseline,
    changed,
    ...(digestsEqual !== undefined && { digestsEqual }),
    leftOut: Object.fromEntries(parts.load.leftOut),
    notes: notesOf(parts, baseline, changed),
  };
}

type Prepared = Omit<RunParts, 'changes'>;

function* prepared(database: Database, asks: WhatIfAsks): Generator<Step, Prepared> {
  const { fromMs, untilMs, stateAtMs = fromMs } = asks;
  const past = new Past(database);
  yield* seek(past, fromMs);
  const shiftMs = stateAtMs - fromMs;
  const load = new Load(underWayIn(past.core), shiftMs);
  const ownSnapshot = shiftMs === 0 ? past.core.snapshotParts() : undefined;
  for (const { batches } of blocksAfter(database, past.core.state.sequence, untilMs)) {
    for (const batch of batches) load.take(batch);
    const atMs = batches.at(-1)?.atMs ?? fromMs;
    yield { message: 'reads the load', part: (atMs - fromMs) / Math.max(1, untilMs - fromMs) };
  }
  if (!ownSnapshot) yield* seek(past, stateAtMs);
  const snapshot = ownSnapshot ?? past.core.snapshotParts();
  return {
    snapshot,
    load: load.finish(),
    fromMs: stateAtMs,
    untilMs: untilMs + shiftMs,
    isOwnLoad: shiftMs === 0,
  };
}

function* seek(past: Past, atMs: number): Generator<Step> {
  for (const { done, total } of past.seek(atMs))
    yield { message: 'goes back in time', part: done / Math.max(1, total) };
}

function* run(
  parts: Prepared,
  changes: WhatIfAsks['changes'],
  message: string,
): Generator<Step, WhatIfOutcome> {
  const steps = new Run({ ...parts, changes }).go();
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    yield { message, part: step.value };
  }
}

function* isRepeated(
  parts: Prepared,
  { changes }: WhatIfAsks,
  [baseline, changed]: readonly [WhatIfOutcome, WhatIfOutcome],
): Generator<Step, boolean> {
  const again = yield* run(parts, [], 'repeats the load as it was');
  const changedAgain = yield* run(parts, changes, 'repeats the load with the changes');
  return again.digest === baseline.digest && changedAgain.digest === changed.digest;
}

function* underWayIn(core: Core): Generator<UnderWay> {
  const view = core.view();
  for (const { taskId } of liveRows(view)) {
    const record = view.task(taskId);
    const attempt = record?.attempts.at(-1);
    if (!record || !attempt || attempt.end) continue;
    const { token, placedAtMs, startedAtMs } = attempt;
    yield { token, taskId, spec: record.spec, placedAtMs, ...(startedAtMs !== undefined && { startedAtMs }) };
  }
}

function notesOf({ load, isOwnLoad }: Prepared, ...outcomes: readonly WhatIfOutcome[]): readonly string[] {
  const estimated = Math.max(...outcomes.map(({ estimatedRuns }) => estimatedRuns));
  const leftOut = [...load.leftOut].map(([kind, count]) => `${count} ${kind}`);
  return [
    ...(estimated > 0
      ? [`${estimated} attempts have no recorded end: the median of their kind was taken for their run time`]
      : []),
    ...(isOwnLoad ? [] : ['what ran when the load begins ends after the median of its kind']),
    ...(leftOut.length > 0
      ? [`events of the load that were not given to the runs: ${leftOut.join(', ')}`]
      : []),
  ];
}

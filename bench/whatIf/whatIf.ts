// What-if on an hour of load that a seeded plant put through the real core: how much faster than the plant, and whether
// the same run gives the same digest. Everything is read from a recorder.db, as the host reads it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { WhatIfAnswer, WhatIfAsks } from '../../scheduler/protocol/whatIf.ts';
import { Recording } from '../../scheduler/recorder/recording.ts';
import { recorderApplicationId, recorderFile, recorderMigrations } from '../../scheduler/recorder/schema.ts';
import { whatIf } from '../../scheduler/recorder/whatIf/whatIf.ts';
import type { Database } from '../../scheduler/sqlite/driver.ts';
import { openDatabase } from '../../scheduler/sqlite/open.ts';
import { type Bench, wholeOption } from '../bench.ts';
import { recordHour, type Recorded } from './plant.ts';

const hourMs = 3_600_000;
/** Without and with the change, each twice. */
const runs = 4;

/** Small and large: nodes, and tasks that come in a second. */
const plants = [
  { nodes: 1_000, tasksPerS: 10 },
  { nodes: 10_000, tasksPerS: 20 },
] as const;

export const whatif: Bench = (options) => {
  const minutes = wholeOption(options, 'minutes', 60);
  const seed = wholeOption(options, 'seed', 42);
  const figures: Record<string, number> = {};
  let slowest = Number.POSITIVE_INFINITY;
  let areEqual = true;
  for (const { nodes, tasksPerS } of plants) {
    const { answer, recorded, bytes, cpuMs } = measure({ nodes, tasksPerS, minutes, seed });
    const times = Math.min(answer.baseline.timesRealTime, answer.changed.timesRealTime);
    slowest = Math.min(slowest, times);
    areEqual &&= answer.digestsEqual === true;
    const of = (name: string): string => `${name}${nodes}`;
    figures[of('timesRealTime')] = times;
    // Four runs, and reading the load, by the time of the processor: what a busy machine leaves of it is above.
    figures[of('timesRealTimeByCpu')] = Math.round((runs * minutes * 60_000) / cpuMs);
    figures[of('recordedPlacements')] = recorded.placements;
    figures[of('baselinePlacements')] = answer.baseline.placements;
    figures[of('baselineP95Ms')] = Math.max(...answer.baseline.waits.map(({ p95Ms }) => p95Ms));
    figures[of('changedP95Ms')] = Math.max(...answer.changed.waits.map(({ p95Ms }) => p95Ms));
    figures[of('recordBytesPerJournalByte')] = Math.round((bytes / recorded.journalBytes) * 1_000) / 1_000;
  }
  return Promise.resolve({
    params: {
      minutes,
      seed,
      plants: plants.map(({ nodes, tasksPerS }) => `${nodes} nodes, ${tasksPerS} tasks/s`).join('; '),
      change: 'drain line L1 of 20 lines',
      verify: true,
    },
    figures: { timesRealTime: slowest, digestsEqual: areEqual ? 1 : 0, ...figures },
    peers: { realTime: 1 },
  });
};

interface Measure {
  readonly nodes: number;
  readonly tasksPerS: number;
  readonly minutes: number;
  readonly seed: number;
}

function measure(plant: Measure): {
  readonly answer: WhatIfAnswer;
  readonly recorded: Recorded;
  readonly bytes: number;
  readonly cpuMs: number;
} {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-whatif-'));
  try {
    const database = openRecord(folder);
    const recording = new Recording(database);
    const recorded = recordHour(recording, { ...plant, spanMs: (plant.minutes * hourMs) / 60 });
    const { bytes } = recording.reach();
    const cpu = process.cpuUsage();
    const answer = answerOf(database, {
      fromMs: ms(recorded.fromMs),
      untilMs: ms(recorded.untilMs),
      changes: [{ kind: 'drain', select: { line: 'L1' } }],
      verify: true,
    });
    const { user, system } = process.cpuUsage(cpu);
    database.close();
    return { answer, recorded, bytes, cpuMs: (user + system) / 1_000 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function openRecord(folder: string): Database {
  const opened = openDatabase({
    path: join(folder, recorderFile),
    applicationId: recorderApplicationId,
    migrations: recorderMigrations,
    synchronous: 'NORMAL',
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  return opened.value;
}

function answerOf(database: Database, asks: WhatIfAsks): WhatIfAnswer {
  const steps = whatIf(database, asks);
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}

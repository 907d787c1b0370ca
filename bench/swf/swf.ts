// How well rigid parallel tasks are packed and how long short ones wait: the core on logs in the standard workload
// format, one setting for all, beside EASY and EASY with the shortest first in the same run.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SwfMachine } from '../../scheduler/adapters/swf.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { type Bench, type Measured, MissingInput, rounded } from '../bench.ts';
import { makeLog, procs, type Recipe } from './lublin.ts';
import { Easy, type Job, play, type Quality, readLog, type Scheduler } from './replay.ts';

const logs = ['lublin_256.swf', 'lublin_256_new2.swf'];

/** Seeds of logs that are made, for a figure that no file is behind. */
const seeds = [11, 12, 13];
const jobsMade = 5_000;
const recipes: readonly Omit<Recipe, 'seed' | 'jobs'>[] = (['exact', 'longer', 'kinds'] as const).flatMap(
  (expecting) => [0.7, 1.05].map((load) => ({ expecting, load })),
);

/**
 * Options: `dir`, the folder of the logs; `logs`, their names with commas between (the two Lublin logs). Without `dir`
 * logs are made, three of each kind and load, and their means told.
 */
export const swf: Bench = (options): Promise<Measured> => {
  const { dir } = options;
  const names = options['logs']?.split(',') ?? logs;
  const missing = dir === undefined ? undefined : names.find((name) => !existsSync(join(dir, name)));
  if (missing !== undefined) throw new MissingInput(`--dir ${String(dir)}: the folder with ${missing}`);
  const figures: Record<string, number> = {};
  const peers: Record<string, number> = {};
  const measure = (label: string, all: readonly Log[]): void => {
    const beganMs = performance.now();
    let placements = 0;
    const core = meanOf(all, (log) => {
      const machine = new SwfMachine(log.procs, settings);
      const quality = play(log.jobs, log.procs, asked(machine));
      placements += machine.placements;
      return quality;
    });
    put(figures, label, core);
    figures[`${label} placementsPerS`] = Math.round((1_000 * placements) / (performance.now() - beganMs));
    for (const [name, isShortestFirst] of easies)
      put(
        peers,
        `${label} ${name}`,
        meanOf(all, (log) => play(log.jobs, log.procs, new Easy(isShortestFirst))),
      );
  };
  if (dir !== undefined)
    for (const name of names) measure(basename(name, '.swf'), [readLog(join(dir, name))]);
  else
    for (const recipe of recipes)
      measure(
        `${recipe.expecting} ${String(recipe.load)}`,
        seeds.map((seed) => ({ jobs: makeLog({ ...recipe, seed, jobs: jobsMade }), procs })),
      );
  const made = `${String(seeds.length)} made of each`;
  const params = { logs: dir === undefined ? made : names.join(','), source: 'core, one setting for all' };
  return Promise.resolve({ params, figures, peers });
};

interface Log {
  readonly jobs: readonly Job[];
  readonly procs: number;
}
const settings = { policy: policies.pack, order: 'slowdown', backfill: 'conservative' } as const;
const easies = [
  ['easy', false],
  ['easySjbf', true],
] as const;

/** Means, and the longest wait of all. */
function meanOf(all: readonly Log[], playOne: (log: Log) => Quality): Quality {
  const played = all.map(playOne);
  const mean = (of: (quality: Quality) => number): number =>
    played.reduce((sum, quality) => sum + of(quality), 0) / played.length;
  return {
    utilization: mean(({ utilization }) => utilization),
    slowdown: mean(({ slowdown }) => slowdown),
    longestWaitS: Math.max(...played.map(({ longestWaitS }) => longestWaitS)),
    schedules: mean(({ schedules }) => schedules),
  };
}

const asked = (machine: SwfMachine): Scheduler => ({
  submit: ({ id, procs: wanted, reqS, app }: Job) => {
    machine.submit({ id, procs: wanted, reqTime: reqS, user: -1, exe: app });
  },
  end: (id) => {
    machine.end(id);
  },
  schedule: (second, free) => machine.schedule(second, free),
});

function put(into: Record<string, number>, label: string, quality: Quality): void {
  into[`${label} utilization`] = rounded(quality.utilization);
  into[`${label} slowdown`] = rounded(quality.slowdown);
  into[`${label} longestWaitS`] = quality.longestWaitS;
}

// How well rigid parallel tasks are packed and how long short ones wait: the core on logs in the standard workload
// format, one setting for all, beside EASY and EASY with the shortest first in the same run.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { SwfMachine } from '../../scheduler/adapters/swf.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { type Bench, type Measured, MissingInput, rounded } from '../bench.ts';
import { Easy, type Job, play, type Quality, readLog, type Scheduler } from './replay.ts';

const logs = ['lublin_256.swf', 'lublin_256_new2.swf'];

/** Options: `dir`, the folder of the logs; `logs`, their names with commas between (the two Lublin logs). */
export const swf: Bench = (options): Promise<Measured> => {
  const dir = options['dir'] ?? '';
  const names = options['logs']?.split(',') ?? logs;
  const missing = names.find((name) => !existsSync(join(dir, name)));
  if (missing !== undefined || dir === '')
    throw new MissingInput(`--dir ${dir}: the folder with ${missing ?? names.join(', ')}`);
  const figures: Record<string, number> = {};
  const peers: Record<string, number> = {};
  for (const name of names) {
    const log = readLog(join(dir, name));
    const label = basename(name, '.swf');
    const beganMs = performance.now();
    const machine = new SwfMachine(log.procs, {
      policy: policies.pack,
      order: 'slowdown',
      backfill: 'conservative',
    });
    put(figures, label, play(log.jobs, log.procs, asked(machine)));
    figures[`${label} placementsPerS`] = Math.round(
      (1_000 * machine.placements) / (performance.now() - beganMs),
    );
    put(peers, `${label} easy`, play(log.jobs, log.procs, new Easy(false)));
    put(peers, `${label} easySjbf`, play(log.jobs, log.procs, new Easy(true)));
  }
  return Promise.resolve({
    params: { logs: names.join(','), source: 'core, one setting for all' },
    figures,
    peers,
  });
};

const asked = (machine: SwfMachine): Scheduler => ({
  submit: ({ id, procs, reqS }: Job) => {
    machine.submit({ id, procs, reqTime: reqS, user: -1, exe: -1 });
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

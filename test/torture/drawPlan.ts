// Draws the plan of a trial from its seed. The seed fixes this plan and nothing more: how processes and packets
// interleave is the machine's, so a failure may need several runs of its seed to show again.
import { plantTiming } from '../../scheduler/protocol/timing.ts';
import { Draw } from './draw.ts';
import { faultOf } from './faultPlan.ts';
import { type Plan, type PlannedTask, queues } from './plan.ts';

/** With unscaled times. Long enough for three losses of a node in a row. */
const windowMs = 60_000;

export function planOf(seed: number, scale: number): Plan {
  const draw = new Draw(seed);
  const agents = draw.whole(2, 5);
  const span = windowMs * scale;
  const faults = Array.from({ length: draw.whole(3, 8) }, () => faultOf(draw, { agents, scale, span }));
  return {
    seed,
    scale,
    agents,
    windowMs: span,
    tasks: Array.from({ length: draw.whole(40, 120) }, (_, at) => taskOf(draw, at, { scale, span })),
    faults: faults.sort((a, b) => a.atMs - b.atMs),
    needsSmallDisk: faults.some(({ kind }) => kind === 'disk_full'),
  };
}

function taskOf(draw: Draw, at: number, { scale, span }: { scale: number; span: number }): PlannedTask {
  // Most are short, some are still running when a lease ends.
  const longMs = plantTiming.attemptLeaseMs * scale * 1.5;
  return {
    key: `task-${at}`,
    submitAtMs: Math.round(draw.share() * span * 0.8),
    runMs: Math.round(draw.chance(0.2) ? draw.share() * longMs : draw.share() * 200),
    queue: draw.one(queues),
    priority: draw.whole(0, 9),
    delivery: draw.chance(0.2) ? 'at_most_once' : 'at_least_once',
    failures: draw.chance(0.15) ? draw.whole(1, 4) : 0,
  };
}

// Gangs among a seed's tasks: small asks, so that there is mostly room for all, and little time where there is not.
import { mib, millicores } from '../../scheduler/protocol/brands.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { World } from './world.ts';

const gangShare = 0.04;
const sizeMost = 5;

/** The task, now and then as a gang of such tasks. */
export function perhapsGang(world: World, spec: TaskSpec): TaskSpec {
  if (spec.array || !world.chance(gangShare)) return spec;
  const { cpu, memory } = spec.ask;
  const each = world.pick([1, 0.5, 0.25]);
  const ask = {
    ...spec.ask,
    cpu: millicores(Math.floor(cpu * each)),
    memory: mib(Math.floor(memory * each)),
    slots: 1,
  };
  const placeWithinMs = world.whole(20_000, 120_000);
  return { ...spec, ask, gang: { size: world.whole(2, sizeMost), placeWithinMs } };
}

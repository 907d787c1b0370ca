// Faults of the host's machine, its disk and its history, and what people do meanwhile.
import type { FaultParts, Strikes } from './faults.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
export const jumpsMs: readonly number[] = [-dayMs, -hourMs, -5_000, 5_000, hourMs, dayMs];
/** As long as results of agents have to survive without a host. */
const longestAwayMs = 72 * hourMs;
/** Batches that an older copy of the journal lacks. */
const batchesLost: readonly number[] = [1, 10, 100, 1_000];

export function hostStrikes(parts: FaultParts): Strikes {
  const { world, host, disk, history, leases } = parts;
  const jump = (): void => {
    world.wallOffsetMs += world.pick(jumpsMs);
    leases.jumped();
  };
  return {
    ...diskStrikes(parts),
    ...peopleStrikes(parts),
    hostCrash: () => {
      const crash = (): void => {
        host.crash(world.pick([100, 2_000, 20_000]));
      };
      const where = world.pick(['write', 'write', 'snapshot', 'snapshotEnd', 'anywhere'] as const);
      if (where === 'write') disk.duringNextWrite(crash);
      else if (where === 'anywhere') crash();
      else disk.shelf.aroundNext(where, crash);
      if (world.chance(0.3)) jump();
    },
    clockJump: jump,
    hostStall: () => {
      host.stall(world.pick([2_500, 10_000, 30_000]));
    },
    historyStuck: () => {
      const stick = (): void => {
        history.stuckUntilMs = world.nowMs + world.pick([1_000, 8_000, 30_000]);
      };
      if (world.chance(0.5)) disk.shelf.aroundNext('snapshot', stick);
      else stick();
    },
    stuckThenCrash: () => {
      disk.shelf.aroundNext('snapshot', () => {
        history.stuckUntilMs = world.nowMs + 30_000;
      });
      disk.shelf.aroundNext('snapshotEnd', () => {
        host.crash(2_000);
      });
    },
    longOutage: () => {
      longOutage(parts);
    },
    olderJournal: () => {
      host.crash(world.pick([100, 2_000, 20_000]), world.pick(batchesLost));
    },
  };
}

/** The host is away for days; meanwhile agents end what they run, and some are switched off and on again. */
function longOutage({ world, host, agents }: FaultParts): void {
  if (!host.core) return;
  host.crash(longestAwayMs);
  world.awayUntilMs = world.nowMs + longestAwayMs;
  for (const agent of agents) {
    if (!world.chance(0.4)) continue;
    world.after(world.between(0, longestAwayMs * 0.9), () => {
      if (!agent.isUp) return;
      agent.crash('powerCut');
      world.after(60_000, () => {
        agent.start();
      });
    });
  }
}

function diskStrikes({ world, disk }: FaultParts): Strikes {
  return {
    diskFull: () => {
      disk.isFull = true;
      world.after(world.between(2_000, 15_000), () => {
        disk.isFull = false;
      });
    },
    diskBroken: () => {
      disk.isBroken = true;
      world.after(world.between(100, 6_000), () => {
        disk.isBroken = false;
      });
    },
    slowDisk: () => {
      disk.slowestMs = world.pick([80, 1_500, 6_000]);
      world.after(world.between(3_000, 15_000), () => {
        disk.slowestMs = 4;
      });
    },
  };
}

function peopleStrikes({ world, operator, agents }: FaultParts): Strikes {
  return {
    cordon: () => {
      operator.cordon(world.pick(agents).nodeId, world.between(2_000, 30_000));
    },
    weights: () => {
      operator.putWeight(world.pick([1, 3, 20]));
    },
    requeue: () => {
      operator.requeueOne();
    },
  };
}

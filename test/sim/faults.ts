// What goes wrong in one seed. Each kind of fault is on or fully off, since rare combinations hide in quiet runs.
import type { FakeAgent } from './fakeAgent.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHost } from './fakeHost.ts';
import type { FakeNetwork } from './fakeNetwork.ts';
import type { LeaseWatch } from './leaseWatch.ts';
import type { Operator } from './operator.ts';
import type { World } from './world.ts';

export interface FaultParts {
  readonly world: World;
  readonly network: FakeNetwork;
  readonly disk: FakeDisk;
  readonly host: FakeHost;
  readonly operator: Operator;
  readonly agents: readonly FakeAgent[];
  readonly leases: LeaseWatch;
}
type Kind =
  | 'agentCrash'
  | 'slowNode'
  | 'silence'
  | 'cut'
  | 'partition'
  | 'hostCrash'
  | 'diskFull'
  | 'slowDisk'
  | 'clockJump'
  | 'hostStall'
  | 'cordon'
  | 'weights'
  | 'requeue';

/** Mean time between two of a kind, in milliseconds; `agentCrash` to `cut` are for the whole fleet. */
const everyMs: Readonly<Record<Kind, number>> = {
  agentCrash: 6_000,
  slowNode: 15_000,
  silence: 8_000,
  cut: 4_000,
  partition: 40_000,
  hostCrash: 25_000,
  diskFull: 60_000,
  slowDisk: 30_000,
  clockJump: 45_000,
  hostStall: 40_000,
  cordon: 12_000,
  weights: 20_000,
  requeue: 5_000,
};
const dayMs = 24 * 3_600_000;
const onShare = 0.5;

export class Faults {
  readonly counts: Partial<Record<Kind, number>> = {};
  readonly #parts: FaultParts;
  #isOver = false;

  constructor(parts: FaultParts) {
    this.#parts = parts;
  }

  begin(): void {
    const { world, network } = this.#parts;
    if (world.chance(onShare))
      network.rates = {
        delayMostMs: world.pick([3, 50, 900]),
        duplicateShare: world.pick([0, 0.05, 0.3]),
        lateCopyShare: world.pick([0, 0.5]),
      };
    for (const kind of Object.keys(everyMs) as Kind[]) if (world.chance(onShare)) this.#plan(kind);
  }

  /** All is repaired; agents that are down come back by themselves. */
  end(): void {
    const { network, disk, agents, operator } = this.#parts;
    this.#isOver = true;
    network.healAll();
    disk.isFull = false;
    disk.slowestMs = 4;
    for (const agent of agents) agent.slowness = 1;
    operator.uncordonAll();
  }

  #plan(kind: Kind): void {
    const { world } = this.#parts;
    world.after(everyMs[kind] * world.between(0.1, 1.9), () => {
      if (this.#isOver) return;
      this.counts[kind] = (this.counts[kind] ?? 0) + 1;
      world.note(kind);
      this.#strike[kind]();
      this.#plan(kind);
    });
  }

  readonly #strike: Readonly<Record<Kind, () => void>> = {
    agentCrash: () => {
      const { world, agents, network } = this.#parts;
      const agent = world.pick(agents);
      if (!agent.isUp) return;
      // A killed process closes its sockets; a machine without power does not.
      if (agent.connection && world.chance(0.5)) network.silence(agent.connection, Infinity);
      agent.crash();
      world.after(world.pick([200, 3_000, 25_000, 60_000]), () => {
        agent.start();
      });
    },
    slowNode: () => {
      const { world, agents } = this.#parts;
      const agent = world.pick(agents);
      agent.slowness = world.pick([3, 10]);
      world.after(world.between(5_000, 40_000), () => {
        agent.slowness = 1;
      });
    },
    silence: () => {
      const { world, network } = this.#parts;
      const connection = this.#anyConnection();
      if (connection) network.silence(connection, world.pick([2_000, 9_000, 17_000, 30_000, Infinity]));
    },
    cut: () => {
      const connection = this.#anyConnection();
      if (connection) this.#parts.network.cut(connection);
    },
    partition: () => {
      const { world, network, agents } = this.#parts;
      const [line = ''] = world.pick(agents).nodeId.split('-');
      network.partition(line, world.pick([3_000, 12_000, 18_000, 45_000]));
    },
    hostCrash: () => {
      const { world, host, disk } = this.#parts;
      const crash = (): void => {
        host.crash(world.pick([100, 2_000, 20_000]));
      };
      if (world.chance(0.8)) disk.duringNextWrite(crash);
      else crash();
      if (world.chance(0.3)) this.#jump();
    },
    diskFull: () => {
      const { world, disk } = this.#parts;
      disk.isFull = true;
      world.after(world.between(2_000, 15_000), () => {
        disk.isFull = false;
      });
    },
    slowDisk: () => {
      const { world, disk } = this.#parts;
      disk.slowestMs = world.pick([80, 1_500, 6_000]);
      world.after(world.between(3_000, 15_000), () => {
        disk.slowestMs = 4;
      });
    },
    clockJump: () => {
      this.#jump();
    },
    hostStall: () => {
      this.#parts.host.stall(this.#parts.world.pick([2_500, 10_000]));
    },
    cordon: () => {
      const { world, operator, agents } = this.#parts;
      operator.cordon(world.pick(agents).nodeId, world.between(2_000, 30_000));
    },
    weights: () => {
      this.#parts.operator.putWeight(this.#parts.world.pick([1, 3, 20]));
    },
    requeue: () => {
      this.#parts.operator.requeueOne();
    },
  };

  #jump(): void {
    const { world, leases } = this.#parts;
    world.wallOffsetMs += world.pick([-dayMs, -3_600_000, -5_000, 5_000, 3_600_000, dayMs]);
    leases.jumped();
  }

  #anyConnection() {
    const { world, network } = this.#parts;
    const connections = [...network.connections];
    return connections.length === 0 ? undefined : world.pick(connections);
  }
}

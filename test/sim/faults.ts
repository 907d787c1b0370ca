// What goes wrong in one seed. Each kind of fault is on or fully off, since rare combinations hide in quiet runs.
import { agentStrikes } from './agentStrikes.ts';
import type { FakeAgent } from './fakeAgent.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHistory } from './fakeHistory.ts';
import type { FakeHost } from './fakeHost.ts';
import type { FakeNetwork } from './fakeNetwork.ts';
import { hostStrikes } from './hostStrikes.ts';
import type { LeaseWatch } from './leaseWatch.ts';
import { networkStrikes } from './networkStrikes.ts';
import type { Operator } from './operator.ts';
import type { World } from './world.ts';

export interface FaultParts {
  readonly world: World;
  readonly network: FakeNetwork;
  readonly disk: FakeDisk;
  readonly history: FakeHistory;
  readonly host: FakeHost;
  readonly operator: Operator;
  readonly agents: readonly FakeAgent[];
  readonly leases: LeaseWatch;
  /** Kinds that are on in any case. */
  readonly needs: readonly string[];
  /** No others are. */
  readonly isCalm: boolean;
}
export type Strikes = Readonly<Record<string, () => void>>;

/** Mean time between two of a kind in the whole plant, in milliseconds. */
const everyMs: Readonly<Record<string, number>> = {
  agentCrash: 6_000,
  agentPowerCut: 9_000,
  agentDiskFull: 20_000,
  agentClockJump: 10_000,
  agentAway: 40_000,
  agentChanged: 20_000,
  nodeForgotten: 25_000,
  slowNode: 15_000,
  silence: 8_000,
  oneWaySilence: 10_000,
  cut: 4_000,
  partition: 40_000,
  hostCrash: 25_000,
  diskFull: 60_000,
  diskBroken: 60_000,
  slowDisk: 30_000,
  historyStuck: 30_000,
  stuckThenCrash: 8_000,
  outboxSmall: 30_000,
  clockJump: 45_000,
  hostStall: 40_000,
  longOutage: 200_000,
  olderJournal: 60_000,
  cordon: 12_000,
  weights: 20_000,
  requeue: 5_000,
  queuePaused: 25_000,
  queueDraining: 40_000,
};
const onShare = 0.5;
/** Seeds in which nothing goes wrong but what tasks and nodes do by themselves. */
const calmShare = 0.1;
/** Once in a seed and in few of them: their runs waive some promises, or cost time. */
const rareShare: Readonly<Record<string, number>> = {
  longOutage: 0.15,
  olderJournal: 0.12,
  stuckThenCrash: 0.1,
};

export class Faults {
  readonly counts: Record<string, number> = {};
  readonly #parts: FaultParts;
  readonly #strikes: Strikes;
  #isOver = false;

  constructor(parts: FaultParts) {
    this.#parts = parts;
    this.#strikes = {
      ...agentStrikes(parts),
      ...networkStrikes(parts),
      ...hostStrikes(parts),
      ...parts.operator.modes.strikes,
    };
    for (const kind of Object.keys(everyMs))
      if (!this.#strikes[kind]) throw new Error(`nothing is known of the fault ${kind}`);
  }

  begin(): void {
    const { world, network, needs } = this.#parts;
    if (world.chance(onShare))
      network.rates = {
        delayMostMs: world.pick([3, 50, 900]),
        duplicateShare: world.pick([0, 0.05, 0.3]),
        lateCopyShare: world.pick([0, 0.5]),
      };
    const isCalm = world.chance(this.#parts.isCalm ? 1 : calmShare);
    for (const kind of Object.keys(everyMs))
      if ((!isCalm && world.chance(rareShare[kind] ?? onShare)) || needs.includes(kind)) this.#plan(kind);
  }

  /** All is repaired; agents that are down come back by themselves. */
  end(): void {
    const { network, disk, history, host, agents, operator } = this.#parts;
    this.#isOver = true;
    network.healAll();
    disk.isFull = false;
    disk.isBroken = false;
    disk.slowestMs = 4;
    history.stuckUntilMs = 0;
    host.outboxMax = Infinity;
    for (const agent of agents) {
      agent.slowness = 1;
      agent.ledger.isFull = false;
      agent.restoreSpec();
      agent.comeBack();
    }
    operator.uncordonAll();
    operator.openSetAside();
    operator.modes.end();
  }

  #plan(kind: string): void {
    const { world } = this.#parts;
    const awayMs = Math.max(0, world.awayUntilMs - world.nowMs);
    world.after(awayMs + (everyMs[kind] ?? 0) * world.between(0.1, 1.9), () => {
      if (this.#isOver) return;
      if (world.awayUntilMs <= world.nowMs) this.#strike(kind);
      if (rareShare[kind] === undefined || this.#parts.needs.includes(kind)) this.#plan(kind);
    });
  }

  #strike(kind: string): void {
    this.counts[kind] = (this.counts[kind] ?? 0) + 1;
    this.#parts.world.note(kind);
    this.#strikes[kind]?.();
  }
}

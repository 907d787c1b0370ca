// What the host does when a process of the socket edge ends: time for its agents to come back, and an alarm.
import type { Engine } from '../engine/engine.ts';
import type { EdgeLoss } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Timing } from '../protocol/timing.ts';

interface LossWires {
  readonly engine: Pick<Engine, 'awaitAgents'>;
  readonly alarms: Alarms;
  readonly timing: Timing;
  readonly clock: () => Ms;
}
/** An edge that listens again is well after so long. */
const wellAfterMs = 60_000;

export class EdgeLosses {
  readonly #wires: LossWires;
  readonly #clearing = new Map<number, NodeJS.Timeout>();
  #grantedAtMs = -Infinity;

  constructor(wires: LossWires) {
    this.#wires = wires;
  }

  lost({ edge, agents, endsOfMinute }: EdgeLoss): void {
    const { engine, alarms, timing, clock } = this.#wires;
    clearTimeout(this.#clearing.get(edge));
    this.#clearing.delete(edge);
    alarms.raise({ code: 'EDGE_LOST', source: sourceOf(edge), params: { agents, ends: endsOfMinute } });
    // An edge that ends again and again must not keep nodes that are truly lost from being noticed.
    if (clock() < this.#grantedAtMs + 2 * timing.rejoinWindowMs) return;
    this.#grantedAtMs = clock();
    engine.awaitAgents(timing.rejoinWindowMs);
  }

  /** As where the host itself stood still: agents first get the time of a lease to be heard. */
  stalled(): void {
    const { engine, timing } = this.#wires;
    engine.awaitAgents(timing.nodeLeaseMs);
  }

  listening(edge: number): void {
    const timer = setTimeout(() => {
      this.#clearing.delete(edge);
      this.#wires.alarms.clear('EDGE_LOST', sourceOf(edge));
    }, wellAfterMs);
    this.#clearing.set(edge, timer);
  }

  close(): void {
    for (const timer of this.#clearing.values()) clearTimeout(timer);
  }
}

const sourceOf = (edge: number): string => `edge ${edge}`;

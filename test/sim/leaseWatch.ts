// Was it time to call an attempt or a node lost? Its own record of every sign of life the core was given, in true time,
// so that neither a jumping clock nor a stall of the host may end what is alive.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import { nodeState } from '../../scheduler/core/state/nodeTable.ts';
import type { NodeId, Token } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { attemptLeaseMs, nodeLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import type { Report } from './audit.ts';
import type { World } from './world.ts';

/** Times are whole milliseconds in the core. */
const roundingMs = 2;

export class LeaseWatch {
  readonly #world: World;
  readonly #report: Report;
  readonly #attempts = new Map<Token, number>();
  readonly #nodes = new Map<NodeId, number>();
  #epochAtMs = 0;
  #stallEndMs = -1e9;
  readonly #jumpsMs: number[] = [];

  constructor(world: World, report: Report) {
    this.#world = world;
    this.#report = report;
  }

  stalled(forMs: number): void {
    this.#stallEndMs = this.#world.nowMs + forMs;
  }
  /** A clock set back while the host stalls hides the stall: nothing tells the core of it. */
  jumped(): void {
    this.#jumpsMs.push(this.#world.nowMs);
    if (this.#stallEndMs > this.#world.nowMs) this.#stallEndMs = -1e9;
  }

  turned(core: Core, commands: readonly Command[], { batch }: TurnResult): void {
    for (const command of commands) this.#heard(core, command);
    for (const event of batch?.events ?? []) {
      if (event.kind === 'attempt_placed') this.#attempts.set(event.token, this.#world.nowMs);
      if (event.kind === 'node_lost')
        this.#mayBeLost(`node ${event.nodeId}`, this.#nodes.get(event.nodeId) ?? -1e9, nodeLeaseMs);
      if (event.kind === 'attempt_ended' && event.end.reason === 'lost')
        this.#mayBeLost(
          `attempt ${String(event.token)}`,
          this.#attempts.get(event.token) ?? -1e9,
          attemptLeaseMs,
        );
    }
  }

  #heard(core: Core, command: Command): void {
    const { nowMs } = this.#world;
    if (command.kind === 'StartEpoch') {
      this.#epochAtMs = nowMs;
      this.#stallEndMs = -1e9; // it ended with the process
    }
    if (command.kind === 'ReportStarted')
      for (const token of command.tokens) this.#attempts.set(token, nowMs);
    if (command.kind !== 'Heartbeat' && command.kind !== 'JoinNode') return;
    const { nodes } = core.state;
    const node = nodes.indexOf(command.nodeId);
    if (node === undefined || nodes.state[node] !== nodeState.online) return;
    this.#nodes.set(command.nodeId, nowMs);
    const tokens = command.kind === 'Heartbeat' ? command.running : nodes.attemptsOn(node);
    for (const token of tokens) this.#attempts.set(token, nowMs);
  }

  #mayBeLost(what: string, heardMs: number, leaseMs: number): void {
    // A clock set forward ends leases that were running; the core then gives the time of a stall.
    const jumpMs = this.#jumpsMs.find((atMs) => atMs > heardMs) ?? Infinity;
    const leaseEndMs = Math.min(heardMs + leaseMs, jumpMs + nodeLeaseMs);
    const dueMs = Math.max(leaseEndMs, this.#epochAtMs + rejoinWindowMs, this.#stallEndMs + nodeLeaseMs);
    const earlyMs = dueMs - this.#world.nowMs;
    if (earlyMs <= roundingMs) return;
    const facts = {
      heard: heardMs,
      epoch: this.#epochAtMs,
      stallEnd: this.#stallEndMs,
      jump: jumpMs,
    };
    const since = Object.entries(facts).map(([fact, atMs]) => `${fact} at ${String(Math.round(atMs))}`);
    const early = String(Math.round(earlyMs));
    this.#report('false-death', `${what} was called lost ${early} ms early (${since.join(', ')})`);
  }
}

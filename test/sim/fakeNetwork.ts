// Connections between agents and the host as TCP makes them: in order within one connection, delayed, held up by a
// partition, lost with their connection. Copies of messages of a cut connection may still arrive late.
import type { Dispatch, Join, Stop, Welcome } from '../../scheduler/protocol/agentWire.ts';
import type { NodeId, Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptResult } from '../../scheduler/protocol/events.ts';
import type { World } from './world.ts';

export type ToHost =
  | { readonly kind: 'join'; readonly join: Join }
  | { readonly kind: 'hb'; readonly running: readonly Token[] }
  | { readonly kind: 'started'; readonly tokens: readonly Token[] }
  | { readonly kind: 'results'; readonly results: readonly AttemptResult[] };
export type ToAgent =
  | { readonly kind: 'welcome'; readonly welcome: Welcome }
  | { readonly kind: 'run'; readonly dispatches: readonly Dispatch[] }
  | { readonly kind: 'stop'; readonly tokens: Stop }
  | { readonly kind: 'resultsAck'; readonly tokens: readonly Token[] };

export type Direction = 'toHost' | 'toAgent';
const bothWays: readonly Direction[] = ['toHost', 'toAgent'];

interface UnderWay {
  readonly dueMs: number;
  readonly hand: () => void;
}

export interface Connection {
  readonly id: number;
  readonly nodeId: NodeId;
  readonly line: string;
  readonly agent: AgentEnd;
  isHostOpen: boolean;
  isAgentOpen: boolean;
  /** Nothing passes in that direction until then; Infinity: half-open for good. */
  readonly silentUntilMs: Record<Direction, number>;
  readonly underWay: Record<Direction, UnderWay[]>;
  isCut: boolean;
}
export interface AgentEnd {
  readonly opened: (connection: Connection) => void;
  readonly failed: () => void;
  readonly receive: (connection: Connection, message: ToAgent) => void;
  readonly closed: (connection: Connection) => void;
}
export interface HostEnd {
  readonly isListening: () => boolean;
  readonly connected: (connection: Connection) => void;
  readonly receive: (connection: Connection, message: ToHost) => void;
  /** A copy from a connection that is gone. */
  readonly receiveLate: (nodeId: NodeId, message: ToHost) => void;
  readonly closed: (connection: Connection) => void;
}

export interface NetworkRates {
  readonly delayMostMs: number;
  readonly duplicateShare: number;
  readonly lateCopyShare: number;
}
const quiet: NetworkRates = { delayMostMs: 3, duplicateShare: 0, lateCopyShare: 0 };
/** After this long without a ping of the host an agent gives its connection up. */
const pingTimeoutMs = [20_000, 45_000] as const;

export class FakeNetwork {
  rates = quiet;
  host: HostEnd | undefined;
  readonly connections = new Set<Connection>();
  readonly #partitions = new Map<string, number>();
  readonly #world: World;
  #ids = 0;

  constructor(world: World) {
    this.#world = world;
  }

  connect(nodeId: NodeId, line: string, agent: AgentEnd): void {
    // A machine that is off answers nothing: the call hangs until it is back.
    this.#world.after(Math.max(this.#delay(), this.#world.awayUntilMs - this.#world.nowMs), () => {
      const { host } = this;
      if (!host?.isListening() || this.#partitionedUntil(line) > this.#world.nowMs) {
        this.#world.after(this.#world.between(10, 500), () => {
          agent.failed();
        });
        return;
      }
      this.#ids += 1;
      const ends = { isHostOpen: true, isAgentOpen: true, isCut: false };
      const silentUntilMs = { toHost: 0, toAgent: 0 };
      const underWay = { toHost: [], toAgent: [] };
      const peers = { id: this.#ids, nodeId, line, agent };
      const connection: Connection = { ...peers, ...ends, silentUntilMs, underWay };
      this.connections.add(connection);
      host.connected(connection);
      agent.opened(connection);
    });
  }

  toHost(connection: Connection, message: ToHost): void {
    if (!connection.isAgentOpen) return;
    if (this.#copies() > 1) this.#copyLate(connection, message);
    this.#deliver(connection, 'toHost', () => {
      if (!this.#isLost(connection, message)) this.#handToHost(connection, message);
    });
  }

  toAgent(connection: Connection, message: ToAgent): void {
    if (!connection.isHostOpen) return;
    const copies = message.kind === 'welcome' ? 1 : this.#copies();
    for (let copy = 0; copy < copies; copy += 1)
      this.#deliver(connection, 'toAgent', () => {
        if (connection.isCut || !connection.isAgentOpen) return;
        this.#world.note(`${connection.nodeId}<${message.kind}`);
        connection.agent.receive(connection, message);
      });
  }

  /** One end closes; the other hears of it, or finds out by itself. */
  closeFrom(side: 'host' | 'agent', connection: Connection): void {
    if (side === 'host') connection.isHostOpen = false;
    else connection.isAgentOpen = false;
    this.#deliver(connection, side === 'host' ? 'toAgent' : 'toHost', () => {
      this.#shut(connection, side === 'host' ? 'agent' : 'host');
    });
  }

  /** Reset: both ends hear of it soon, what was under way is lost. */
  cut(connection: Connection): void {
    connection.isCut = true;
    for (const side of ['host', 'agent'] as const)
      this.#world.after(this.#world.between(1, 300), () => {
        this.#shut(connection, side);
      });
  }

  /** No message passes any more and nobody is told: a cable pulled, a power cut, a firewall's lost state. */
  silence(connection: Connection, forMs: number, directions = bothWays): void {
    const { silentUntilMs } = connection;
    for (const direction of directions)
      silentUntilMs[direction] = Math.max(silentUntilMs[direction], this.#world.nowMs + forMs);
    this.#giveUpLater(connection);
  }

  partition(line: string, forMs: number): void {
    this.#partitions.set(line, this.#world.nowMs + forMs);
    for (const connection of this.connections) if (connection.line === line) this.#giveUpLater(connection);
  }

  healAll(): void {
    this.#partitions.clear();
    for (const connection of this.connections)
      if (bothWays.some((direction) => connection.silentUntilMs[direction] > this.#world.nowMs))
        this.cut(connection);
    this.rates = quiet;
  }

  #giveUpLater(connection: Connection): void {
    this.#world.after(this.#world.between(...pingTimeoutMs), () => {
      if (this.#blockedUntil(connection, 'toAgent') > this.#world.nowMs) this.#shut(connection, 'agent');
    });
  }

  /** In order: what meets a block waits for its end, and what was sent later waits behind it. */
  #deliver(connection: Connection, direction: Direction, hand: () => void): void {
    const way = connection.underWay[direction];
    way.push({ dueMs: this.#world.nowMs + this.#delay(), hand });
    if (way.length === 1) this.#passOn(connection, direction);
  }

  #passOn(connection: Connection, direction: Direction): void {
    const { nowMs } = this.#world;
    const way = connection.underWay[direction];
    const [next] = way;
    if (!next) return;
    const waitMs = Math.max(next.dueMs, this.#blockedUntil(connection, direction)) - nowMs;
    if (waitMs <= 0) {
      next.hand();
      way.shift();
      this.#passOn(connection, direction);
    } else if (Number.isFinite(waitMs))
      this.#world.after(waitMs, () => {
        this.#passOn(connection, direction);
      });
  }

  #isLost(connection: Connection, message: ToHost): boolean {
    if (!connection.isCut && connection.isHostOpen) return false;
    if (this.#world.chance(this.rates.lateCopyShare)) this.#copyLate(connection, message);
    return true;
  }

  /** Doubled, and out of order. A join is never: its connection takes one. */
  #copyLate(connection: Connection, message: ToHost): void {
    if (message.kind === 'join') return;
    this.#world.after(this.#world.between(1, 20_000), () => {
      if (this.host?.isListening() === true) this.host.receiveLate(connection.nodeId, message);
    });
  }

  #handToHost(connection: Connection, message: ToHost): void {
    this.#world.note(`${connection.nodeId}>${message.kind}`);
    this.host?.receive(connection, message);
  }

  #shut(connection: Connection, side: 'host' | 'agent'): void {
    const isOpen = side === 'host' ? connection.isHostOpen : connection.isAgentOpen;
    if (side === 'host') connection.isHostOpen = false;
    else connection.isAgentOpen = false;
    if (!connection.isHostOpen && !connection.isAgentOpen) this.connections.delete(connection);
    if (!isOpen) return;
    if (side === 'host') this.host?.closed(connection);
    else connection.agent.closed(connection);
  }

  #blockedUntil(connection: Connection, direction: Direction): number {
    return Math.max(connection.silentUntilMs[direction], this.#partitionedUntil(connection.line));
  }
  #partitionedUntil(line: string): number {
    return this.#partitions.get(line) ?? 0;
  }
  #delay(): number {
    return this.#world.between(0.2, this.rates.delayMostMs);
  }
  #copies(): number {
    return this.rates.duplicateShare > 0 && this.#world.chance(this.rates.duplicateShare) ? 2 : 1;
  }
}

// An agent by the rules of the real one (agent/executor, resultOutbox, connection), without processes or files: its
// ledger survives a crash, a token runs once, results are told until acknowledged, older epochs are refused.
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import { heartbeatMs } from '../../scheduler/protocol/limits.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { AgentEnd, Connection, FakeNetwork, ToAgent } from './fakeNetwork.ts';
import { AgentLedger, type LedgerEntry } from './agentLedger.ts';
import type { Breakage } from './breakage.ts';
import { FakeExecutor } from './fakeExecutor.ts';
import type { GuardedEffects } from './guardedEffects.ts';
import type { World } from './world.ts';

const comesBackMs = 3_000;

export interface AgentParts {
  readonly world: World;
  readonly network: FakeNetwork;
  readonly nodeId: NodeId;
  readonly spec: NodeSpec;
  /** Share of attempts that fail by themselves. */
  readonly flakyShare: number;
  /** Told of every program that is really started. */
  readonly onRun: (token: Token, taskId: TaskId, nodeId: NodeId) => void;
  /** How long after its start a task takes the agent down; undefined for all that do not. */
  readonly poisonAfterMs: (taskId: TaskId) => number | undefined;
  /** Told of a dispatch that is refused as one of an older life of the host. */
  readonly onStaleEpoch: (token: Token) => void;
  readonly effects: GuardedEffects;
  readonly breakage: Pick<Breakage, 'runsTwice' | 'forgetsHeld' | 'tellsByClock' | 'tellsOnce'>;
}
export class FakeAgent implements AgentEnd {
  readonly nodeId: NodeId;
  readonly ledger = new AgentLedger();
  isUp = false;
  /** Work and messages take this many times longer. */
  slowness = 1;
  /** How far its own wall clock is off. */
  clockOffsetMs = 0;
  /** What it says of itself at its next join. */
  spec: NodeSpec;
  readonly #parts: AgentParts;
  readonly #executor: FakeExecutor;
  readonly #unsaid = new Set<Token>();
  #connection: Connection | undefined;
  #isJoined = false;
  #failures = 0;
  /** Grows with each crash: what was planned before is void. */
  #life = 0;
  #awayUntilMs = 0;
  #stopBeating: () => void = () => undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.nodeId = parts.nodeId;
    this.spec = parts.spec;
    this.#executor = new FakeExecutor({
      ...parts,
      machine: this,
      ledger: this.ledger,
      after: (delayMs, run) => this.#after(delayMs, run),
      say: (token) => {
        this.#unsaid.add(token);
        this.#sayStarted();
      },
      sayResult: (entry) => {
        this.#sayResults([entry]);
      },
    });
  }

  /** What its own wall clock shows. */
  get clockMs(): number {
    return this.#parts.world.nowMs + this.clockOffsetMs;
  }
  get connection(): Connection | undefined {
    return this.#connection;
  }

  start(): void {
    this.isUp = true;
    this.ledger.recover(this.clockMs);
    this.#connectIn(this.#parts.world.between(0, 1_000));
  }

  /** Kills the agent and all it runs. A power cut also takes what its disk had not synced. */
  crash(how: 'killed' | 'powerCut'): void {
    this.isUp = false;
    this.#life += 1;
    this.#unsaid.clear();
    this.#executor.end();
    const { world } = this.#parts;
    this.ledger.crash((tail) => (how === 'killed' ? tail : world.whole(0, tail)));
    this.#lose();
  }
  /** Taken down by what it runs; comes back soon. */
  readonly die = (): void => {
    this.crash('killed');
    this.#parts.world.after(comesBackMs, () => {
      if (!this.isUp) this.start();
    });
  };
  /** Out of reach for this long; what it runs goes on. */
  away(forMs: number): void {
    const { world, network } = this.#parts;
    this.#awayUntilMs = Math.max(this.#awayUntilMs, world.nowMs + forMs);
    if (!this.#connection) return;
    network.silence(this.#connection, Infinity);
    this.#lose();
    this.#connectIn(this.#retryDelayMs());
  }
  /** The machine is again what it was at first: says so at its next join, which comes soon. */
  restoreSpec(): void {
    if (this.spec === this.#parts.spec) return;
    this.spec = this.#parts.spec;
    if (this.#connection) this.#parts.network.cut(this.#connection);
  }
  get isSettled(): boolean {
    return this.isUp && this.#isJoined && this.ledger.isTold;
  }
  /** In reach again. */
  comeBack(): void {
    if (this.#awayUntilMs <= this.#parts.world.nowMs) return;
    this.#awayUntilMs = 0;
    this.#connectIn(this.#retryDelayMs());
  }

  opened(connection: Connection): void {
    if (!this.isUp || this.#connection) {
      this.#parts.network.closeFrom('agent', connection);
      return;
    }
    this.#connection = connection;
    const held = this.#parts.breakage.forgetsHeld === true ? [] : this.ledger.held();
    const join = { spec: this.spec, held, proofs: [] };
    this.#parts.network.toHost(connection, { kind: 'join', join });
  }
  failed(): void {
    this.#failures += 1;
    this.#connectIn(this.#retryDelayMs());
  }
  closed(connection: Connection): void {
    if (this.#connection !== connection) return;
    this.#lose();
    this.#connectIn(this.#retryDelayMs());
  }

  receive(connection: Connection, message: ToAgent): void {
    if (this.#connection !== connection || !this.isUp) return;
    switch (message.kind) {
      case 'welcome':
        this.#executor.welcome(message.welcome.epoch);
        this.#failures = 0;
        this.#isJoined = true;
        this.#executor.revoke(message.welcome.revoked);
        this.#sayAll();
        this.#beatAfter(this.#parts.world.between(0, 2_000), this.#parts.world.between(0.1, 1));
        break;
      case 'run':
        for (const dispatch of message.dispatches) this.#executor.run(dispatch);
        break;
      case 'stop':
        for (const token of message.tokens) this.#executor.stop(token);
        break;
      case 'resultsAck':
        for (const token of message.tokens) this.ledger.settle(token, 'acknowledged', this.clockMs);
        break;
    }
  }

  #sayStarted(): void {
    if (!this.#isJoined || !this.#connection || this.#unsaid.size === 0) return;
    this.#parts.network.toHost(this.#connection, { kind: 'started', tokens: [...this.#unsaid] });
    this.#unsaid.clear();
  }
  #sayResults(entries: readonly LedgerEntry[]): void {
    const results = entries.flatMap(({ token, taskId, end }) => (end ? [{ token, taskId, end }] : []));
    if (!this.#isJoined || !this.#connection || results.length === 0) return;
    this.#parts.network.toHost(this.#connection, { kind: 'results', results });
  }
  #sayAll(): void {
    this.#sayStarted();
    const pending = this.ledger.pending();
    if (this.#parts.breakage.tellsByClock === true)
      this.#sayResults([...pending].sort((a, b) => a.endedAtMs - b.endedAtMs));
    else if (this.#parts.breakage.tellsOnce !== true) this.#sayResults(pending);
  }

  #beatAfter(delayMs: number, share: number): void {
    this.#stopBeating = this.#after(delayMs, () => {
      if (this.#connection)
        this.#parts.network.toHost(this.#connection, { kind: 'hb', running: this.#executor.running() });
      this.#beatAfter(heartbeatMs * share, 1);
    });
  }

  #lose(): void {
    this.#stopBeating();
    this.#isJoined = false;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection?.isAgentOpen === true) this.#parts.network.closeFrom('agent', connection);
  }
  #connectIn(delayMs: number): void {
    this.#after(Math.max(delayMs, this.#awayUntilMs - this.#parts.world.nowMs), () => {
      if (this.#awayUntilMs > this.#parts.world.nowMs) this.#connectIn(0);
      else if (!this.#connection) this.#parts.network.connect(this.nodeId, this.#parts.spec.place.line, this);
    });
  }
  #retryDelayMs(): number {
    return Math.min(5_000, 1_000 * 2 ** Math.min(this.#failures, 3)) * this.#parts.world.between(0.5, 1.5);
  }
  /** Void after a crash. */
  #after(delayMs: number, run: () => void): () => void {
    const life = this.#life;
    return this.#parts.world.after(delayMs, () => {
      if (life === this.#life && this.isUp) run();
    });
  }
}

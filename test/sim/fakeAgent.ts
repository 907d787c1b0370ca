// An agent by the rules of the real one (agent/executor, resultOutbox, connection), without processes or files: its
// ledger survives a crash, a token runs once, results are told until acknowledged, older epochs are refused.
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { type Epoch, epoch, type NodeId, type TaskId, type Token } from '../../scheduler/protocol/brands.ts';
import { heartbeatMs } from '../../scheduler/protocol/limits.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { AttemptEnd } from '../../scheduler/protocol/task.ts';
import type { AgentEnd, Connection, FakeNetwork, ToAgent } from './fakeNetwork.ts';
import { AgentLedger, type LedgerEntry } from './agentLedger.ts';
import { outcomeOf } from './work.ts';
import type { World } from './world.ts';

export interface AgentParts {
  readonly world: World;
  readonly network: FakeNetwork;
  readonly nodeId: NodeId;
  readonly spec: NodeSpec;
  /** Share of attempts that fail by themselves. */
  readonly flakyShare: number;
  /** Told of every program that is really started. */
  readonly onRun: (token: Token, taskId: TaskId, nodeId: NodeId) => void;
  /** Mutants of an agent. */
  readonly runsTwice: boolean;
  readonly forgetsHeld: boolean;
}
interface Active {
  readonly dispatch: Dispatch;
  cancel: () => void;
  isStopping: boolean;
}
const fsyncMostMs = 5;

export class FakeAgent implements AgentEnd {
  readonly nodeId: NodeId;
  readonly ledger = new AgentLedger();
  isUp = false;
  /** Work and messages take this many times longer. */
  slowness = 1;
  readonly #parts: AgentParts;
  readonly #active = new Map<Token, Active>();
  readonly #unsaid = new Set<Token>();
  #connection: Connection | undefined;
  #isJoined = false;
  #failures = 0;
  #epoch: Epoch = epoch(0);
  /** Grows with each crash: what was planned before is void. */
  #life = 0;
  #stopBeating: () => void = () => undefined;

  constructor(parts: AgentParts) {
    this.#parts = parts;
    this.nodeId = parts.nodeId;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  start(): void {
    this.isUp = true;
    this.ledger.recover();
    this.#connectIn(this.#parts.world.between(0, 1_000));
  }

  /** Kills the agent and all it runs; what its disk had not taken is gone. */
  crash(): void {
    this.isUp = false;
    this.#life += 1;
    this.#epoch = epoch(0);
    this.#unsaid.clear();
    for (const { cancel } of this.#active.values()) cancel();
    this.#active.clear();
    this.ledger.crash();
    this.#lose();
  }

  opened(connection: Connection): void {
    if (!this.isUp || this.#connection) {
      this.#parts.network.closeFrom('agent', connection);
      return;
    }
    this.#connection = connection;
    const join = { spec: this.#parts.spec, held: this.#parts.forgetsHeld ? [] : this.ledger.held() };
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
        this.#epoch = epoch(Math.max(this.#epoch, message.welcome.epoch));
        this.#failures = 0;
        this.#isJoined = true;
        this.#revoke(message.welcome.revoked);
        this.#sayAll();
        this.#beatAfter(this.#parts.world.between(0, 2_000), this.#parts.world.between(0.1, 1));
        break;
      case 'run':
        for (const dispatch of message.dispatches) this.#run(dispatch);
        break;
      case 'stop':
        for (const token of message.tokens) this.#stop(token);
        break;
      case 'resultsAck':
        for (const token of message.tokens) this.ledger.settle(token, 'acknowledged');
        break;
    }
  }

  #run(dispatch: Dispatch): void {
    if (this.#answerKnown(dispatch.token) && !this.#parts.runsTwice) return;
    if (dispatch.epoch < this.#epoch) {
      this.ledger.remember(dispatch);
      this.#conclude(dispatch.token, { reason: 'refused', message: 'stale epoch' });
      return;
    }
    this.#epoch = dispatch.epoch;
    const entry = this.ledger.remember(dispatch);
    const active: Active = { dispatch, cancel: () => undefined, isStopping: false };
    this.#active.set(dispatch.token, active);
    active.cancel = this.#after(this.#parts.world.between(0.2, fsyncMostMs) * this.slowness, () => {
      entry.isStartDurable = true;
      if (active.isStopping)
        this.#conclude(dispatch.token, { reason: 'cancelled', message: 'before it began' });
      else this.#execute(active);
    });
  }

  #execute(active: Active): void {
    const { world, flakyShare, onRun, nodeId } = this.#parts;
    const { token, taskId } = active.dispatch;
    onRun(token, taskId, nodeId);
    this.#say(token);
    const { afterMs, end } = outcomeOf(active.dispatch, { world, flakyShare, slowness: this.slowness });
    active.cancel = this.#after(afterMs, () => {
      this.#conclude(token, end);
    });
  }

  #stop(token: Token): void {
    const active = this.#active.get(token);
    if (!active) {
      this.#answerKnown(token);
      return;
    }
    if (active.isStopping) return;
    active.isStopping = true;
    if (this.ledger.get(token)?.isStartDurable !== true) return; // ends before it begins
    active.cancel();
    active.cancel = this.#after(
      this.#parts.world.between(1, Math.min(2_000, active.dispatch.graceMs + 1)),
      () => {
        this.#conclude(token, { reason: 'cancelled' });
      },
    );
  }

  #revoke(tokens: readonly Token[]): void {
    for (const token of tokens) {
      this.ledger.settle(token, 'revoked');
      this.#stop(token);
    }
  }

  /** Its end, durable after a moment and told from then on. */
  #conclude(token: Token, end: AttemptEnd): void {
    this.#after(this.#parts.world.between(0.2, fsyncMostMs), () => {
      this.#active.delete(token);
      const entry = this.ledger.get(token);
      if (!entry) return;
      entry.isStartDurable = true;
      entry.end ??= end;
      if (entry.state !== 'running') return;
      entry.state = 'finished';
      this.#sayResults([entry]);
    });
  }

  /** True where the token was seen before: it never runs twice, and the hub is told again what it may have missed. */
  #answerKnown(token: Token): boolean {
    const entry = this.ledger.get(token);
    if (!entry) return false;
    if (entry.state === 'finished') this.#sayResults([entry]);
    else if (this.#active.has(token) && entry.isStartDurable) this.#say(token);
    return true;
  }

  #say(token: Token): void {
    this.#unsaid.add(token);
    this.#sayStarted();
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
    this.#sayResults(this.ledger.pending());
  }

  #beatAfter(delayMs: number, share: number): void {
    this.#stopBeating = this.#after(delayMs, () => {
      if (this.#connection)
        this.#parts.network.toHost(this.#connection, { kind: 'hb', running: [...this.#active.keys()] });
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
    this.#after(delayMs, () => {
      if (!this.#connection) this.#parts.network.connect(this.nodeId, this.#parts.spec.place.line, this);
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

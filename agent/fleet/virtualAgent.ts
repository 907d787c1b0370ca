// A node that only pretends to work, on the real wire: many of them in one process are the demo plant and the benches.
import type { Dispatch, Welcome } from '../../scheduler/protocol/agentWire.ts';
import { ms, type NodeId, type Token } from '../../scheduler/protocol/brands.ts';
import type { HeldAttempt } from '../../scheduler/protocol/events.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { SimulatedWork } from '../../scheduler/protocol/work.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { after } from '../run/runner.ts';
import type { AttemptExecutor, AttemptReports } from '../attemptExecutor.ts';
import { AgentConnection } from '../connection.ts';
import type { Credentials } from '../credentials.ts';
import type { AttemptName, HubRefusal } from '../hubMessages.ts';
import { Ledger, memoryLedger, readLedger } from '../ledger.ts';
import type { WriteLine } from '../logLine.ts';
import type { NodeUse } from '../resourceProbe.ts';
import { type AttemptResult, ResultOutbox } from '../resultOutbox.ts';
import type { RetryBounds } from '../retryDelay.ts';
import type { HubTrust } from '../trust.ts';

/** Tokens each virtual agent remembers: thousands of agents share the memory of one process. */
const virtualTokensMax = 500;

export interface VirtualAgentOptions {
  readonly url: string;
  readonly nodeId: NodeId;
  readonly credentials: Credentials;
  readonly spec: NodeSpec;
  /** Called at the entry of the dispatch handler, before anything is done with it: the moment latency is taken. */
  readonly onDispatch?: (dispatch: Dispatch) => void;
  readonly onJoined?: (welcome: Welcome) => void;
  readonly onTurnedAway?: (refusal: HubRefusal) => void;
  /** Numbers for heartbeats; believable ones are the caller's to make. `reserved`: what running attempts asked for. */
  readonly use?: (running: number, reserved: NodeUse) => NodeUse;
  /** How an attempt goes on this node, where it is not as its work says. */
  readonly course?: (work: SimulatedWork, dispatch: Dispatch) => Pick<SimulatedWork, 'runMs' | 'exitCode'>;
  readonly log?: WriteLine;
  readonly retry?: RetryBounds;
  readonly localAddress?: string;
  /** How it knows a hub with `https:`. Absent: plain text. */
  readonly trust?: HubTrust | undefined;
  /** A path: starts and results are durable there first, as on a real node. Absent: memory only. */
  readonly ledgerFile?: string;
}

export class VirtualAgent {
  readonly connection: AgentConnection;
  readonly #executor: VirtualExecutor;
  readonly #ledger: Ledger | undefined;

  constructor(options: VirtualAgentOptions) {
    const entries = options.ledgerFile === undefined ? [] : readLedger(options.ledgerFile).entries;
    this.#ledger = options.ledgerFile === undefined ? undefined : new Ledger(options.ledgerFile);
    const outbox = new ResultOutbox(this.#ledger ?? memoryLedger, entries, virtualTokensMax);
    this.#executor = new VirtualExecutor(outbox, options, {
      started: (token) => {
        this.connection.started(token);
      },
      result: (result) => {
        this.connection.result(result);
      },
    });
    this.connection = new AgentConnection({
      ...options,
      executor: this.#executor,
      log: options.log ?? (() => undefined),
    });
  }

  get runningCount(): number {
    return this.#executor.running().length;
  }

  async start(): Promise<void> {
    await this.#executor.recover();
    this.connection.open();
  }

  /** As if the line were cut without a sign: the hub has to notice by itself. `stop` ends it. */
  fallSilent(): void {
    this.connection.fallSilent();
    this.#executor.abandon();
  }

  /** As if the machine lost its power: the line closes, nothing is reported any more. */
  async stop(): Promise<void> {
    this.connection.close();
    this.#executor.abandon();
    await this.#ledger?.durable();
    this.#ledger?.close();
  }
}

interface Pretended {
  readonly dispatch: Dispatch;
  readonly beganMs: number;
  readonly cancel: () => void;
}
type Hooks = Pick<VirtualAgentOptions, 'onDispatch' | 'use' | 'course'>;

/** Offers kind `simulated`: waits `runMs`, then reports `exitCode`. */
class VirtualExecutor implements AttemptExecutor {
  readonly #outbox: ResultOutbox;
  readonly #hooks: Hooks;
  readonly #reports: AttemptReports;
  readonly #active = new Map<Token, Pretended>();
  #isAbandoned = false;

  constructor(outbox: ResultOutbox, hooks: Hooks, reports: AttemptReports) {
    this.#outbox = outbox;
    this.#hooks = hooks;
    this.#reports = reports;
  }

  async recover(): Promise<void> {
    const message = 'the virtual agent ended while the attempt ran';
    for (const name of this.#outbox.unfinished())
      await this.#outbox.recordResult(name, { reason: 'agent_lost', message });
  }
  abandon(): void {
    this.#isAbandoned = true;
    for (const { cancel } of this.#active.values()) cancel();
    this.#active.clear();
  }

  run(dispatch: Dispatch): void {
    this.#hooks.onDispatch?.(dispatch);
    if (this.#answerKnown(dispatch.token)) return;
    if (dispatch.work.kind === 'simulated') void this.#pretend(dispatch, dispatch.work);
    else this.refuse(dispatch, `this virtual node does not offer kind ${dispatch.work.kind}`);
  }
  refuse(name: AttemptName, message: string): void {
    if (!this.#answerKnown(name.token)) void this.#conclude(name, { reason: 'refused', message });
  }
  stop(tokens: readonly Token[]): void {
    for (const token of tokens) this.#end(token, { reason: 'cancelled' });
  }
  leaseOver(token: Token, message: string): void {
    this.#end(token, { reason: 'lost', message });
  }
  revoke(tokens: readonly Token[]): void {
    this.#outbox.revoke(tokens);
    this.stop(tokens);
  }
  held(): readonly HeldAttempt[] {
    return this.#outbox.held();
  }
  running(): readonly Token[] {
    return [...this.#active.keys()];
  }
  use(): NodeUse {
    const reserved = { cpuMillicores: 0, memoryMiB: 0 };
    for (const { dispatch } of this.#active.values()) {
      reserved.cpuMillicores += dispatch.cpu;
      reserved.memoryMiB += dispatch.memory;
    }
    return this.#hooks.use?.(this.#active.size, reserved) ?? { cpuMillicores: 0, memoryMiB: 0 };
  }
  pendingResults(): readonly AttemptResult[] {
    return this.#outbox.pending();
  }
  resultsAcked(tokens: readonly Token[]): void {
    this.#outbox.acknowledge(tokens);
  }
  logAcked(): void {
    // A pretended program writes nothing.
  }
  joined(): void {
    // As above.
  }

  async #pretend(dispatch: Dispatch, work: SimulatedWork): Promise<void> {
    const { token, timeoutMs } = dispatch;
    const { runMs, exitCode } = this.#hooks.course?.(work, dispatch) ?? work;
    // Counted as running at once, so that a stop that follows closely finds it.
    const isTooLong = runMs > timeoutMs;
    const end: AttemptEnd = isTooLong ? { reason: 'timeout' } : { reason: 'exit', exitCode };
    const cancel = after(Math.min(runMs, timeoutMs), () => {
      this.#end(token, end);
    });
    this.#active.set(token, { dispatch, beganMs: performance.now(), cancel });
    await this.#outbox.recordStart(dispatch);
    if (this.#active.has(token)) this.#reports.started(token);
  }

  #end(token: Token, end: AttemptEnd): void {
    const active = this.#active.get(token);
    if (!active) {
      this.#answerKnown(token);
      return;
    }
    active.cancel();
    this.#active.delete(token);
    void this.#conclude(active.dispatch, {
      ...end,
      runMs: ms(Math.round(performance.now() - active.beganMs)),
    });
  }

  async #conclude(name: AttemptName, end: AttemptEnd): Promise<void> {
    if (this.#isAbandoned) return;
    const result = await this.#outbox.recordResult(name, end);
    if (result) this.#reports.result(result);
  }

  #answerKnown(token: Token): boolean {
    const result = this.#outbox.pendingOf(token);
    if (result) this.#reports.result(result);
    else if (this.#active.has(token)) this.#reports.started(token);
    return this.#outbox.stateOf(token) !== undefined;
  }
}

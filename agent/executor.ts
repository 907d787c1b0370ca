// Runs what the hub dispatches: each token once, its start and its end durable in the ledger, the end then reported.
import type { Dispatch, LogAck } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import type { HeldAttempt } from '../scheduler/protocol/events.ts';
import type { Work } from '../scheduler/protocol/work.ts';
import type { AttemptEnd } from '../scheduler/protocol/attempt.ts';
import type { AttemptExecutor } from './attemptExecutor.ts';
import type { AttemptName } from './hubMessages.ts';
import { heldAttemptsMax } from '../scheduler/protocol/limits.ts';
import type { NodeUse } from './resourceProbe.ts';
import type { AttemptResult } from './resultOutbox.ts';
import type { Attempt } from './run/attempt.ts';
import { Execution, type ExecutionParts } from './run/execution.ts';
import type { Runner, Stop } from './run/runner.ts';
import type { Runners } from './run/runners.ts';
import { outsideWorkRoot } from './run/workRoot.ts';
import { StartPace } from './startPace.ts';

export interface ExecutorOptions extends ExecutionParts {
  readonly runners: Runners;
  /** The folder of `--work-root`. */
  readonly workRoot: string | undefined;
  readonly readUse: () => NodeUse;
}
interface Active {
  readonly dispatch: Dispatch;
  attempt?: Attempt;
  /** Asked for before the program was started. */
  stop?: Stop;
}

/** No queue: the hub knows the node's capacity, so whatever arrives is started. */
export class Executor implements AttemptExecutor {
  readonly #options: ExecutorOptions;
  readonly #active = new Map<Token, Active>();
  readonly #execution: Execution;
  readonly #ending = new Set<Promise<void>>();
  readonly #pace = new StartPace();
  #isStopping = false;

  constructor(options: ExecutorOptions) {
    this.#options = options;
    this.#execution = new Execution(options);
  }

  run(dispatch: Dispatch): void {
    if (this.#answerKnown(dispatch.token)) return;
    const { work } = dispatch;
    if (this.#refuseUnsafe(dispatch)) return;
    const runner = this.#options.runners.of(work.kind);
    if (!runner) {
      const offered = this.#options.runners.kinds.join(', ');
      this.refuse(dispatch, `this node does not offer kind ${work.kind}; it offers ${offered}`);
      return;
    }
    const outside = outsideWorkRoot(work, this.#options.workRoot);
    if (outside !== undefined) {
      this.refuse(dispatch, outside);
      return;
    }
    if (this.#isStopping) {
      this.refuse(dispatch, 'the agent on this node is being stopped');
      return;
    }
    this.#track(this.#begin({ dispatch }, runner));
  }

  refuse(name: AttemptName, message: string): void {
    if (this.#answerKnown(name.token)) return;
    this.#options.log('warn', 'dispatch refused', { token: name.token, message });
    this.#track(this.#conclude(name, { reason: 'refused', message: message.slice(0, 1_000) }));
  }

  stop(tokens: readonly Token[]): void {
    for (const token of tokens) {
      const active = this.#active.get(token);
      if (active) this.#end(active, 'cancelled', 'cancelled');
      else this.#answerKnown(token);
    }
  }

  revoke(tokens: readonly Token[]): void {
    this.#guard(() => {
      this.#options.outbox.revoke(tokens);
    });
    for (const token of tokens) {
      const active = this.#active.get(token);
      if (active) this.#end(active, 'cancelled', 'taken away by the hub: it is no longer this node’s to run');
      else this.#options.logs.drop(token);
    }
  }

  leaseOver(token: Token, message: string, graceMs: number): void {
    const active = this.#active.get(token);
    if (active) this.#end(active, 'lost', message, graceMs);
  }

  /** Ends everything with `agent_lost` within `graceMsMax`, and resolves when every result is durable. */
  async stopAll(graceMsMax: number): Promise<void> {
    this.#isStopping = true;
    for (const active of this.#active.values()) {
      const graceMs = Math.min(active.dispatch.graceMs, graceMsMax);
      this.#end(active, 'agent_lost', 'the agent was stopped', graceMs);
    }
    while (this.#ending.size > 0) await Promise.all(this.#ending);
    this.#options.runners.close();
  }

  /** SIGKILL to every group, synchronously. */
  killAll(): void {
    for (const { attempt } of this.#active.values()) attempt?.kill();
  }

  held(): readonly HeldAttempt[] {
    return this.#options.outbox.held();
  }
  running(): readonly Token[] {
    return [...this.#active.keys()];
  }
  use(): NodeUse {
    return this.#options.readUse();
  }
  pendingResults(): readonly AttemptResult[] {
    return this.#options.outbox.pending();
  }
  resultsAcked(tokens: readonly Token[]): void {
    this.#guard(() => {
      this.#options.outbox.acknowledge(tokens);
    });
  }
  logAcked(ack: LogAck): void {
    this.#options.logs.acked(ack);
  }
  joined(): void {
    this.#options.logs.resume();
  }

  /** True where the token was seen before: it never runs twice, and the hub is told again what it may have missed. */
  #answerKnown(token: Token): boolean {
    const state = this.#options.outbox.stateOf(token);
    const result = this.#options.outbox.pendingOf(token);
    if (result) this.#options.reports.result(result);
    else if (this.#active.get(token)?.attempt) this.#options.reports.started(token);
    return state !== undefined;
  }

  /** True where it may have run already, or where its result would be one more than a join can name. */
  #refuseUnsafe(name: AttemptName): boolean {
    const { token, taskId } = name;
    const { outbox, reports } = this.#options;
    if (outbox.mayHaveRun(token)) {
      const message = 'the ledger of this node was damaged: it cannot tell whether this attempt ran already';
      this.#track(this.#conclude(name, { reason: 'agent_lost', message }));
      return true;
    }
    if (this.#active.size + outbox.pendingCount < heldAttemptsMax) return false;
    const message = `this node holds ${String(heldAttemptsMax)} attempts whose results the hub has not taken yet`;
    // Not recorded, since that would make one more. Where the hub misses it, it sends the dispatch again.
    reports.result({ token, taskId, end: { reason: 'refused', message } });
    return true;
  }

  async #begin(active: Active, runner: Runner<Work>): Promise<void> {
    const { outbox, log } = this.#options;
    const { dispatch } = active;
    this.#active.set(dispatch.token, active);
    try {
      await outbox.recordStart(dispatch);
    } catch (error) {
      const message = `the agent's ledger cannot be written: ${(error as Error).message}`;
      log('error', message, { token: dispatch.token });
      await this.#conclude(dispatch, { reason: 'refused', message });
      return;
    }
    await this.#pace.turn();
    if (active.stop) {
      const { reason, message } = active.stop;
      await this.#conclude(dispatch, { reason, message: `${message}, before it began` });
      return;
    }
    const hold = (attempt: Attempt): void => {
      active.attempt = attempt;
    };
    const end = await this.#execution.of({ dispatch, runner, hold });
    await this.#conclude(dispatch, end);
  }

  async #conclude(name: AttemptName, end: AttemptEnd): Promise<void> {
    const { outbox, logs, reports } = this.#options;
    const result = await outbox.recordResult(name, end);
    this.#active.delete(name.token);
    if (result) reports.result(result);
    else logs.drop(name.token);
  }

  #end(active: Active, reason: Stop['reason'], message: string, graceMs = active.dispatch.graceMs): void {
    const stop = { reason, message, graceMs };
    active.stop ??= stop;
    active.attempt?.stop(stop);
  }

  #track(work: Promise<void>): void {
    this.#ending.add(work);
    void work.finally(() => this.#ending.delete(work));
  }

  /** What goes wrong here costs knowledge after a crash, not the attempt. */
  #guard(record: () => void): void {
    try {
      record();
    } catch (error) {
      this.#options.log('error', `ledger: ${(error as Error).message}`);
    }
  }
}

// What runs on one agent, by the rules of the real one (agent/executor): a token runs once, its start and its end are in
// the ledger first, older epochs and kinds that are not offered are refused, and so is all that a full disk cannot note.
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { type Epoch, epoch, type Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { AgentLedger, LedgerEntry } from './agentLedger.ts';
import type { AgentParts, FakeAgent } from './fakeAgent.ts';
import { fencedExitCode } from './guardedEffects.ts';
import { outcomeOf } from './work.ts';

interface ExecutorParts extends AgentParts {
  readonly machine: Pick<FakeAgent, 'spec' | 'slowness' | 'clockMs' | 'die'>;
  readonly ledger: AgentLedger;
  /** Void after a crash of the agent. */
  readonly after: (delayMs: number, run: () => void) => () => void;
  readonly say: (token: Token) => void;
  readonly sayResult: (entry: LedgerEntry) => void;
}
interface Active {
  readonly dispatch: Dispatch;
  cancel: () => void;
  isStopping: boolean;
  /** Its start is on the disk, and the program was started. */
  isStarted: boolean;
}
const fsyncMostMs = 5;

export class FakeExecutor {
  readonly #parts: ExecutorParts;
  readonly #active = new Map<Token, Active>();
  #epoch: Epoch = epoch(0);

  constructor(parts: ExecutorParts) {
    this.#parts = parts;
  }

  running(): Token[] {
    return [...this.#active.keys()];
  }
  welcome(of: Epoch): void {
    this.#epoch = epoch(Math.max(this.#epoch, of));
  }
  /** The agent is gone, and all that it ran. */
  end(): void {
    this.#epoch = epoch(0);
    for (const { cancel } of this.#active.values()) cancel();
    this.#active.clear();
  }

  run(dispatch: Dispatch): void {
    const { world, machine, ledger, after } = this.#parts;
    if (this.#answerKnown(dispatch.token) && this.#parts.breakage.runsTwice !== true) return;
    const refusal = this.#whyRefused(dispatch);
    if (refusal === undefined) this.#epoch = dispatch.epoch;
    ledger.remember(dispatch, machine.clockMs);
    if (refusal !== undefined) {
      this.#conclude(dispatch, { reason: 'refused', message: refusal });
      return;
    }
    const active: Active = { dispatch, cancel: () => undefined, isStopping: false, isStarted: false };
    this.#active.set(dispatch.token, active);
    active.cancel = after(world.between(0.2, fsyncMostMs) * machine.slowness, () => {
      ledger.sync();
      if (active.isStopping) this.#conclude(dispatch, { reason: 'cancelled', message: 'before it began' });
      else this.#execute(active);
    });
  }

  #whyRefused({ token, epoch: given, work }: Dispatch): string | undefined {
    const { machine, ledger, onStaleEpoch } = this.#parts;
    if (given < this.#epoch) {
      onStaleEpoch(token);
      return 'stale epoch';
    }
    if (!machine.spec.kinds.includes(work.kind)) return `this node does not offer kind ${work.kind}`;
    return ledger.isFull ? 'the ledger cannot be written: the disk is full' : undefined;
  }

  #execute(active: Active): void {
    const { world, flakyShare, onRun, nodeId, effects, machine, after, say } = this.#parts;
    const { dispatch } = active;
    const { token, taskId } = dispatch;
    active.isStarted = true;
    onRun(token, taskId, nodeId);
    effects.begin(taskId, token);
    say(token);
    const { poisonAfterMs } = this.#parts;
    if (poisonAfterMs(taskId) !== undefined) after(poisonAfterMs(taskId) ?? 0, machine.die);
    const { afterMs, end } = outcomeOf(dispatch, { world, flakyShare, slowness: machine.slowness });
    active.cancel = after(afterMs, () => {
      const isDone = end.exitCode !== 0 || effects.perform(taskId, token);
      this.#conclude(dispatch, isDone ? end : { ...end, exitCode: fencedExitCode });
    });
  }

  stop(token: Token): void {
    const active = this.#active.get(token);
    if (!active) {
      this.#answerKnown(token);
      return;
    }
    if (active.isStopping) return;
    active.isStopping = true;
    if (!active.isStarted) return; // ends before it begins
    active.cancel();
    const { world, after } = this.#parts;
    active.cancel = after(world.between(1, Math.min(2_000, active.dispatch.graceMs + 1)), () => {
      this.#conclude(active.dispatch, { reason: 'cancelled' });
    });
  }

  revoke(tokens: readonly Token[]): void {
    const { ledger, machine } = this.#parts;
    for (const token of tokens) {
      ledger.settle(token, 'revoked', machine.clockMs);
      this.stop(token);
    }
  }

  /** Its end, durable after a moment (in memory where the disk is full), and told from then on. */
  #conclude(attempt: Pick<Dispatch, 'token' | 'taskId'>, end: AttemptEnd): void {
    const { world, machine, ledger, after, sayResult } = this.#parts;
    const { token } = attempt;
    after(world.between(0.2, fsyncMostMs), () => {
      this.#active.delete(token);
      if (!ledger.get(token) || ledger.get(token)?.end) return;
      ledger.conclude(attempt, end, machine.clockMs);
      ledger.sync();
      const entry = ledger.get(token);
      if (entry?.state === 'finished') sayResult(entry);
    });
  }

  /** True where the token was seen before: it never runs twice, and the hub is told again what it may have missed. */
  #answerKnown(token: Token): boolean {
    const { ledger, say, sayResult } = this.#parts;
    const entry = ledger.get(token);
    if (!entry) return false;
    if (entry.state === 'finished') sayResult(entry);
    else if (this.#active.get(token)?.isStarted === true) say(token);
    return true;
  }
}

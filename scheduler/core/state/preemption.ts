// Who waits for attempts that are being stopped for it, on which node, and how many more may be stopped. Soft state:
// that an attempt is being stopped, and for whom, is journalled with the attempt, and all of this follows from it.
import type { NodeId, NodeIndex, TaskId, Token } from '../../protocol/brands.ts';
import { preemptionsPerMinuteMax } from '../../protocol/limits.ts';
import type { AskClass } from './classTable.ts';
import { Preemptibles } from './preemptibles.ts';

const minuteMs = 60_000;

/** The room on a node that is kept for a task until what is being stopped there has ended. */
export interface Nomination {
  readonly taskId: TaskId;
  readonly node: NodeIndex;
  readonly nodeId: NodeId;
  readonly victims: readonly Token[];
  /** Given up at this time. */
  readonly untilMs: number;
}

export class Preemption {
  readonly preemptibles = new Preemptibles();
  /** By the task that room is kept for. The node table knows the nodes. */
  readonly nominations = new Map<TaskId, Nomination>();
  /** Any blocked ask may find more to stop than before. */
  hasNews = false;
  /** Asks that gates or the budget keep back: looked at again once all others have been, in a later turn. */
  readonly keptBack = new Set<AskClass>();
  /** Asks are left over from the turn before. */
  isUnderWay = false;
  /** When the timer for more preemptions is due; infinite where none is set. */
  timerMs = Number.POSITIVE_INFINITY;
  #openFromMs = 0;
  /** When attempts were stopped within the last minute, oldest first. */
  #times: number[] = [];

  /** Nobody knows how many were stopped before a restart: none is within a minute of it. */
  reset(nowMs: number): void {
    this.nominations.clear();
    this.keptBack.clear();
    this.isUnderWay = false;
    this.timerMs = Number.POSITIVE_INFINITY;
    this.#times = [];
    this.#openFromMs = nowMs + minuteMs;
    this.hasNews = true;
  }
  /** Is there more to stop than when this was last asked? */
  takeNews(): boolean {
    const is = this.hasNews || this.preemptibles.hasNew;
    this.hasNews = false;
    this.preemptibles.hasNew = false;
    return is;
  }
  /** How many attempts may be stopped now. `rejoinUntilMs`: agents have time to come back until then. */
  leftOf(nowMs: number, rejoinUntilMs: number): number {
    if (nowMs < Math.max(this.#openFromMs, rejoinUntilMs)) return 0;
    this.#times = this.#times.filter((atMs) => atMs > nowMs - minuteMs);
    return preemptionsPerMinuteMax - this.#times.length;
  }
  /** When so many may be stopped at once; at most `preemptionsPerMinuteMax`. */
  opensAtMs(count: number, rejoinUntilMs: number): number {
    const last = this.#times[this.#times.length + count - 1 - preemptionsPerMinuteMax];
    return Math.max(this.#openFromMs, rejoinUntilMs, last === undefined ? 0 : last + minuteMs);
  }
  count(nowMs: number): void {
    this.#times.push(nowMs);
  }
}

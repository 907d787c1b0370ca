// Who waits for attempts that are being stopped for it, on which node, and how many more may be stopped. Soft state:
// that an attempt is being stopped, and for whom, is journalled with the attempt, and all of this follows from it.
import type { NodeId, NodeIndex, TaskId, Token } from '../../protocol/brands.ts';
import { preemptionsPerMinuteMax } from '../../protocol/limits.ts';
import type { AskClass } from '../state/classTable.ts';
import { Preemptibles } from './preemptibles.ts';

const minuteMs = 60_000;

/** The room on a node that is kept for a task until what is being stopped there has ended. */
export interface Nomination {
  readonly taskId: TaskId;
  readonly node: NodeIndex;
  readonly nodeId: NodeId;
  readonly victims: readonly Token[];
  /** The longest grace among them is over then. */
  readonly graceUntilMs: number;
  /** Given up at this time. */
  readonly untilMs: number;
}

/** What has changed for tasks that wait for something to stop. */
type News = 'all' | 'guarantees';

export class Preemption {
  readonly preemptibles = new Preemptibles();
  /** By the task that room is kept for. The node table knows the nodes. */
  readonly nominations = new Map<TaskId, Nomination>();
  /** Any blocked ask may find more to stop than before. */
  hasNews = false;
  /** How often there was news. */
  newsCount = 0;
  /** By how much the next look at the nodes is turned: with time each comes first. */
  turnedBy = 0;
  /** Asks that gates or the budget keep back: looked at again once all others have been, in a later turn. */
  readonly keptBack = new Set<AskClass>();
  /** Asks that have not been shown all nodes yet, and from when on the next ones are looked at. */
  readonly unseen = new Set<AskClass>();
  unseenFromMs = 0;
  /** Asks are left over from the turn before. */
  isUnderWay = false;
  /** When the timer for more preemptions is due; infinite where none is set. */
  timerMs = Number.POSITIVE_INFINITY;
  #openFromMs = 0;
  /** When attempts were stopped within the last minute, oldest first. */
  #times: number[] = [];

  /** Nobody knows how many were stopped before a restart: none is until this time. */
  reset(openFromMs: number): void {
    this.nominations.clear();
    this.forgetWaiting();
    this.timerMs = Number.POSITIVE_INFINITY;
    this.#times = [];
    this.#openFromMs = openFromMs;
    this.hasNews = true;
  }
  /** Nobody waits that could have anything stopped. */
  forgetWaiting(): void {
    this.keptBack.clear();
    this.unseen.clear();
    this.isUnderWay = false;
  }
  /** What is there to try that was not when this was last asked? */
  takeNews(haveGuaranteesMoved: boolean): News | undefined {
    const isForAll = this.hasNews || this.preemptibles.hasNew;
    const news = isForAll ? 'all' : haveGuaranteesMoved ? 'guarantees' : undefined;
    this.hasNews = false;
    this.preemptibles.hasNew = false;
    if (news) this.newsCount += 1;
    return news;
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

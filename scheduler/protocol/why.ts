// Why a task waits, or why it is where it is: the answer of an engine, before anybody has put it into words.
import type { Ms, NodeId, TaskId } from './brands.ts';
import type { PendingReason, TaskPendingReason, Waiting } from './reasons.ts';

/** One step of the funnel: how many nodes it leaves, how many it took away. */
export interface FunnelStep {
  readonly reason: PendingReason;
  readonly remaining: number;
  readonly removed: number;
}
export interface NearMiss {
  readonly nodeId: NodeId;
  /** Everything this node lacks, for example `cpu 500 of 2000`. */
  readonly lacks: readonly { readonly reason: PendingReason; readonly has: string; readonly needs: string }[];
}

/** Names and numbers for the words of a cause or a help. Times in ms, CPU in millicores, memory in MiB. */
export type WhyFacts = Readonly<Record<string, number | string>>;

/** A cause that holds the task back. Those beside each other all have to go; those below one are what it is made of. */
export interface WhyCause {
  /** `NO_NODE_FITS`: its parts are the rules that took the nodes away, in the order of the funnel. */
  readonly reason: TaskPendingReason | 'NO_NODE_FITS';
  readonly facts: WhyFacts;
  readonly causes: readonly WhyCause[];
}

/** What would let the task start, tried on the rules themselves: with only this changed, so many nodes take it now. */
export interface WhyHelp {
  /** The reason that goes away. */
  readonly lifts: TaskPendingReason;
  /** Nodes that would take it then; 0 where the reason does not lie with nodes. */
  readonly nodes: number;
  /** The one that lacks least. */
  readonly nodeId?: NodeId;
  readonly facts: WhyFacts;
}

/** When the task should start, as far as that can be told. */
export interface ExpectedStart {
  readonly atMs: Ms;
  /** It is as likely as not to start between these. */
  readonly fromMs: Ms;
  readonly untilMs: Ms;
  /** From a time that is set; from the ends of attempts that are expected; from how fast tasks ahead of it start. */
  readonly basis: 'time' | 'ends' | 'rate';
}

/** Why a placed task is where it is, as it was judged then. */
export interface WhyThere {
  readonly nodeId: NodeId;
  readonly policy: string;
  /** Nodes that were compared; the index had ruled out the others. */
  readonly considered: number;
  /** By the policy: higher is better, comparable within this choice only. */
  readonly score: number;
  readonly second?: { readonly nodeId: NodeId; readonly score: number };
}

export interface WhyAnswer {
  readonly taskId: TaskId;
  readonly waiting: Waiting;
  readonly dominant: TaskPendingReason;
  /**
   * `now`: nothing but its turn is missing. `later`: something has to end or change first. `never`: no node that ever
   * joined could run it, even if it were empty.
   */
  readonly verdict: 'now' | 'later' | 'never';
  readonly causes: readonly WhyCause[];
  /** At most `whyHelpsMax`, the most promising first. */
  readonly helps: readonly WhyHelp[];
  readonly expected?: ExpectedStart;
  readonly registered: number;
  readonly funnel: readonly FunnelStep[];
  readonly nearMisses: readonly NearMiss[];
  /** Tasks of its lane that go first, where it is simply behind them. */
  readonly ahead: number;
  /** Tasks that it comes after and that have not ended, at most `whyNearMissesMax`. */
  readonly waitsFor?: readonly { readonly taskId: TaskId; readonly ref: string }[];
  /** End of the backoff or the delay, where it waits one out. */
  readonly untilMs?: Ms;
  /** For a placed task: where it is. */
  readonly placedOn?: NodeId;
  /** And why, as long as that is remembered: the newest `choicesKept` placements since the host started. */
  readonly there?: WhyThere;
}

// The port behind which work is scheduled: takes Commands, reports what became durable, and can be read. The embedded
// engine and a cluster of cells look the same from here.
import type { Epoch, Token } from '../protocol/brands.ts';
import type { SubmitAnswer } from '../protocol/consoleAnswers.ts';
import type { Batch, Command } from '../protocol/events.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { SchedulerView } from '../protocol/view.ts';

export interface EngineAnswer {
  /** For SubmitTasks: one per spec, in order. */
  readonly answers?: readonly SubmitAnswer[];
  /** For JoinNode. */
  readonly joined?: { readonly epoch: Epoch; readonly revoked: readonly Token[] };
}

export interface Engine {
  readonly view: SchedulerView;
  /** Resolves once the command's events are durable. Never rejects: a failed store is a refusal. */
  readonly execute: (command: Command) => Promise<Outcome<EngineAnswer, Refusal>>;
  /** Until then agents that were known before a restart may come back. Milliseconds since 1970. */
  readonly rejoinUntilMs: () => number;
  /** The host itself lost lines of agents, or did not hear them: nothing that hangs on them is lost within `forMs`. */
  readonly awaitAgents: (forMs: number) => void;
  /** Commands taken and not yet answered. */
  readonly pending: () => number;
  /** Of these, people's: bounded by `pendingCommandsMax`. */
  readonly pendingOfPeople: () => number;
  readonly stats: () => EngineStats;
  /** Resolves once all that the view shows now is durable, and the listener was told of it. */
  readonly written: () => Promise<void>;
  /** Takes no more commands, finishes the write under way, keeps a snapshot. */
  readonly stop: () => Promise<void>;
}

export interface EngineStats {
  readonly turns: number;
  readonly batches: number;
  readonly placements: number;
  readonly wideSearches: number;
  readonly staleReports: number;
  readonly slowestTurnMs: number;
  /** How long the journal's write under way has taken so far; 0 where there is none. */
  readonly writeMs: number;
}

/** What an engine tells others, always after the batch is durable. */
export interface EngineListener {
  readonly onDurable: (batch: Batch, ended: readonly TaskRecord[]) => void;
  /** A first dispatch left: milliseconds since the task got into line. */
  readonly onDispatched: (waitedMs: number) => void;
  /** A turn placed tasks: milliseconds it took, before its batch was written. */
  readonly onPlaced?: (turnMs: number) => void;
  /** The store failed: nothing was or will be released any more. The host exits. */
  readonly onFailure: (reason: Refusal) => void;
}

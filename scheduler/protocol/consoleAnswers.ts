// What the methods of the console wire answer with, where it is not a type of the model itself.
import type { WhoAmI } from './accounts.ts';
import type { Epoch, Ms, TaskId } from './brands.ts';
import type { LogPiece } from './consoleFrames.ts';
import type { NodeRow } from './node.ts';
import type { Refusal } from './outcome.ts';
import type { TaskRecord, TaskState } from './task.ts';
import type { FleetUse, NodeCounts, QueueRow, TaskCounts, TaskRow } from './view.ts';

export interface Hello {
  readonly version: string;
  readonly epoch: Epoch;
  readonly startedAtMs: Ms;
  readonly dataFolder: string;
  readonly hubAddress: string;
  readonly runtime: string;
  /** Who this link is to the host. Before login the other facts of the host are empty but for its epoch. */
  readonly who: WhoAmI;
}
export type SubmitAnswer =
  { readonly ok: true; readonly taskId: TaskId } | { readonly ok: false; readonly refusal: Refusal };
/** What `execute` gives back for a command that was taken. `answers`: of SubmitTasks, one per spec, in order. */
export interface CommandAnswer {
  readonly answers?: readonly SubmitAnswer[];
}
export type TaskAnswer =
  { readonly ok: true } | { readonly ok: false; readonly taskId: TaskId; readonly refusal: Refusal };
export interface TaskList {
  readonly rows: readonly TaskRow[];
  readonly nextBefore?: TaskId;
  /** All tasks that match. */
  readonly total: number;
  readonly totalIsEstimate: boolean;
  /** The page stopped at its bound after looking at so many tasks: see `TaskPage.looked`. */
  readonly looked?: number;
  readonly asOfMs: Ms;
  readonly tookMs: number;
}
export interface TaskDetail {
  readonly record: TaskRecord;
  readonly row: TaskRow;
}
export interface TaskStanding {
  readonly taskId: TaskId;
  /** `unknown`: never submitted, or ended so long ago that it was pruned. */
  readonly state: TaskState | 'unknown';
  /** Of its newest attempt, where that ended with one. */
  readonly exitCode?: number;
}
export interface Summary {
  readonly atMs: Ms;
  readonly epoch: Epoch;
  /** True for a while after a start: agents are still coming back. */
  readonly isRecovering: boolean;
  readonly nodes: NodeCounts;
  readonly tasks: TaskCounts;
  readonly use: FleetUse;
  readonly queues: readonly QueueRow[];
}
export interface LogPage {
  readonly pieces: readonly LogPiece[];
  readonly isComplete: boolean;
}
export interface NodeDetail {
  readonly node: NodeRow;
  readonly tasks: readonly TaskRow[];
}
/** A token that was just made: the only time that its text is told. */
export interface NewEnrolment {
  readonly enrolmentId: string;
  readonly hubUrl: string;
  /** The enrolment code: the token, with the pin of the plant's certificate authority where the hub speaks TLS. */
  readonly code: string;
  readonly command: string;
  readonly expiresAtMs: Ms;
  readonly nodesMax: number;
}

// What the host pushes to windows unasked: the overview four times a second, and the output of watched tasks.
import type { WhoAmI } from './accounts.ts';
import type { Epoch, Ms, TaskId, Token } from './brands.ts';
import type { FleetFrame } from './fleetFrames.ts';
import type { Simulation } from './simulation.ts';
import type { FleetUse, NodeCounts, QueueRow, TaskCounts } from './view.ts';

export interface LogPiece {
  readonly token: Token;
  /** Order of arrival within the attempt, over both streams, from 1. */
  readonly piece: number;
  readonly stream: 'stdout' | 'stderr';
  readonly offset: number;
  readonly text: string;
  readonly atMs: Ms;
  readonly droppedBytes?: number;
}
/** P1 (critical) to P4 (diagnostic), as in CONSOLE S7. */
export interface AlarmRow {
  readonly alarmId: number;
  readonly priority: 1 | 2 | 3 | 4;
  readonly code:
    | 'HOST_RESTARTED'
    | 'NODE_LOST'
    | 'STORAGE_FAILED'
    | 'FLEET_FULL'
    | 'EDGE_LOST'
    | 'PLAIN_TEXT'
    | 'INTRUDER'
    | 'QUEUE_LATE'
    | 'DEADLINE_MISSED'
    | 'JOURNAL_SLOW'
    | 'DISK_LOW'
    | 'RECORDER_STOPPED'
    | 'AUDIT_FAILED'
    | 'AUDIT_DAMAGED'
    | 'BACKUP_FAILED'
    | 'NODE_SET_ASIDE'
    | 'LIMIT_NEAR'
    | 'OVERLOADED'
    | 'LOOP_LATE'
    | 'GC_HEAVY'
    | 'CLOCK_JUMPED'
    | 'LOG_FAILED';
  readonly source: string;
  /** For the message of the code, filled in by the reader's language. */
  readonly params: Readonly<Record<string, string | number>>;
  readonly raisedAtMs: Ms;
  readonly isActive: boolean;
  readonly isAcknowledged: boolean;
}
/** Counts and rates of the whole plant, 4 times a second. */
export interface OverviewFrame {
  readonly push: 'overview';
  /** Counts frames of this connection; a gap means one was skipped because the window was slow. */
  readonly sequence: number;
  readonly atMs: Ms;
  readonly epoch: Epoch;
  readonly isRecovering: boolean;
  readonly nodes: NodeCounts;
  readonly tasks: TaskCounts;
  readonly use: FleetUse;
  readonly queues: readonly QueueRow[];
  readonly rates: {
    readonly submittedPerS: number;
    readonly dispatchedPerS: number;
    readonly endedPerS: number;
    readonly messagesPerS: number;
  };
  /** Submit to dispatch frame sent, over the last 60 s of first attempts; undefined where none was dispatched. */
  readonly dispatchMs?: { readonly p50: number; readonly p99: number };
  /** Tasks that ended in the last hour. */
  readonly lastHour: {
    readonly succeeded: number;
    readonly deadLettered: number;
    readonly cancelled: number;
  };
  /** 60-minute traces, one point per 10 s, oldest first, the newest unfinished. Sent once a second; else absent. */
  readonly traces?: Readonly<Record<TraceName, readonly number[]>>;
  readonly alarms: readonly AlarmRow[];
  readonly badMessages: number;
  /** Absent while there is no simulated plant. */
  readonly simulation?: Simulation;
}
export type TraceName =
  | 'online'
  | 'running'
  | 'waiting'
  | 'dispatchedPerS'
  | 'dispatchP99Ms'
  | 'deadLettered'
  | 'cpuAllocatedPercent'
  | 'cpuUsedPercent';
export interface LogFrame {
  readonly push: 'log';
  readonly taskId: TaskId;
  readonly pieces: readonly LogPiece[];
}
/** The session of this link has ended, or has other rights now. Where it ended, nothing is watched any more. */
export interface SessionFrame {
  readonly push: 'session';
  readonly who: WhoAmI;
}
export type Push = OverviewFrame | LogFrame | FleetFrame | SessionFrame;

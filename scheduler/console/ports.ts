// What the console needs from the rest of the host. Reads come from the engine's view and from history.
import type { AuditCheck, AuditPage, AuditState } from '../protocol/audit.ts';
import type { Ms, TaskId, Token } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { AlarmRow, LogPiece } from '../protocol/consoleFrames.ts';
import type { Params } from '../protocol/consoleWire.ts';
import type { CommandAnswer, Hello, NewEnrolment } from '../protocol/consoleAnswers.ts';
import type { Batch, Command } from '../protocol/events.ts';
import type { LogLevel } from '../protocol/logLevel.ts';
import type { MetricTrace } from '../protocol/fleetFrames.ts';
import type { EnrolmentSettings } from '../protocol/identity.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';
import type { DuePreview, ScheduleTiming } from '../protocol/schedule.ts';
import type { Simulation, SimulationParams } from '../protocol/simulation.ts';
import type { PastAsks, PastQuestion, RecorderResults, RecorderState } from '../protocol/recorder.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type {
  BackupPlan,
  BulkAct,
  BulkTally,
  Retention,
  StorageJob,
  StorageState,
} from '../protocol/storage.ts';
import type { WhatIfAsks, WhatIfRun } from '../protocol/whatIf.ts';
import type { AccountsPort } from './accountsPort.ts';
import type { ActTrail } from './audited.ts';
import type { Grouping, SchedulerView, TaskFilter, TaskGroups, TaskRow } from '../protocol/view.ts';

/** Tasks that ended within the minute that starts at `minuteMs`. */
export interface EndedMinute {
  readonly minuteMs: Ms;
  readonly succeeded: number;
  readonly deadLettered: number;
  readonly cancelled: number;
}

export interface ListPage {
  readonly rows: readonly TaskRow[];
  /** Older rows start below this task id; undefined at the end. */
  readonly nextBefore?: TaskId;
  /** See `TaskPage.looked`. */
  readonly looked?: number;
}

/**
 * Ended tasks. Reads reject with `Refused` where the store cannot answer. A batch that was handed to history before a
 * call has to be seen by it: a task that has just left the
 * live ones would otherwise be nowhere for a moment.
 */
export interface ConsoleHistory {
  /** Newest id first, below `before`. A page may be short; `nextBefore` tells whether more follow. */
  readonly list: (filter: TaskFilter, before: TaskId | undefined, limit: number) => Promise<ListPage>;
  readonly count: (filter: TaskFilter) => Promise<{ readonly total: number; readonly isEstimate: boolean }>;
  readonly groups: (filter: TaskFilter, by: Grouping) => Promise<TaskGroups>;
  readonly get: (taskId: TaskId) => Promise<TaskRecord | undefined>;
  /** Pieces numbered above `after`, in order. */
  readonly readLog: (token: Token, after: number, limit: number) => Promise<readonly LogPiece[]>;
  /** What ended from `sinceMs` to `untilMs` (exclusive): the last hour is known again after a restart. */
  readonly endedPerMinute: (sinceMs: Ms, untilMs: Ms) => Promise<readonly EndedMinute[]>;
  readonly trace: (query: TraceQuery) => Promise<MetricTrace>;
}
export type TraceQuery = Params<'getTrace'>;

/** The simulated plant. Both calls answer with the state they brought about. */
export interface SimulationPort {
  readonly state: () => Simulation;
  /** Refuses `wrong_state` where one runs already, or is not gone yet. */
  readonly start: (params: SimulationParams, actor: string) => Outcome<Simulation, Refusal>;
  readonly end: (actor: string) => Simulation;
}

/** Long work of the console's own: listed, followed and cancelled beside that on the stores. */
export interface BulkWork {
  readonly kind: BulkAct;
  readonly actor: string;
  /** Rejects where it failed, or soon after the signal aborts. `report` keeps what was done until then. */
  readonly run: (report: BulkReport, signal: AbortSignal) => Promise<void>;
}
/** `total` 0: not known yet. */
export type BulkReport = (progress: {
  readonly done: number;
  readonly total: number;
  readonly bulk: BulkTally;
}) => void;

/** Bounds, copies and exports of what is stored. All calls refuse in words; none waits for a job to end. */
export interface StoragePort {
  readonly state: () => Promise<StorageState>;
  readonly setRetention: (retention: Retention, actor: string) => Promise<Outcome<Retention, Refusal>>;
  readonly setBackupPlan: (plan: BackupPlan, actor: string) => Promise<Outcome<BackupPlan, Refusal>>;
  readonly startBackup: (folder: string | undefined, actor: string) => Promise<Outcome<StorageJob, Refusal>>;
  readonly startExport: (ask: Params<'startExport'>, actor: string) => Promise<Outcome<StorageJob, Refusal>>;
  readonly exportAudit: (ask: Params<'exportAudit'>, actor: string) => Promise<Outcome<StorageJob, Refusal>>;
  /** Refuses `too_many` while another act on many tasks is under way. */
  readonly startBulk: (work: BulkWork) => Outcome<StorageJob, Refusal>;
  readonly cancelJob: (jobId: number, actor: string) => Outcome<StorageJob, Refusal>;
}

/** Due times, which need a library and the tables of time zones. */
export interface SchedulePort {
  /** Refuses a bad cron text or zone and what would never be due; the calendar is looked up. */
  readonly check: (timing: ScheduleTiming) => Refusal | undefined;
  /** The next few, from now on. Only for what `check` lets through. */
  readonly preview: (timing: ScheduleTiming, count: number) => readonly DuePreview[];
  readonly nextDueMs: (scheduleId: string) => Ms | undefined;
  /** Resolves once all that is due by now was decided: what follows changes by what rules. */
  readonly settle: () => Promise<void>;
  /** The wall clock that schedules go by. */
  readonly wallMs: () => Ms;
}

/** What was recorded, and the plant as it was at a time. */
export interface RecorderPort {
  state(): Promise<RecorderState>;
  /** Refuses `wrong_state` where that time is not recorded, or the seek was stopped. */
  ask<Name extends PastQuestion>(
    question: Name,
    asks: PastAsks<Name>,
  ): Promise<Outcome<RecorderResults[Name], Refusal>>;
  /** False: none was under way. */
  stopSeek(): boolean;
  readonly whatIfs: {
    newest(): WhatIfRun | undefined;
    /** Refuses `too_many` while one runs. */
    start(asks: WhatIfAsks, actor: string): Outcome<WhatIfRun, Refusal>;
    cancel(runId: number): Outcome<WhatIfRun, Refusal>;
  };
}

/** What was done, by whom. Reads refuse `storage_failed`. */
export interface AuditPort extends ActTrail {
  readonly state: () => Promise<Outcome<AuditState, Refusal>>;
  readonly list: (asks: Params<'listAudit'>) => Promise<Outcome<AuditPage, Refusal>>;
  /** Answers with the check that runs, begun now or before. */
  readonly verify: () => AuditCheck;
}

interface OverloadPort {
  /** 0 to 3: see scheduler/observe/overload. */
  readonly level: number;
  /** Why no new tasks are taken now; nothing where they are. */
  readonly refusal: () => Refusal | undefined;
}

interface AlarmPort {
  readonly rows: () => readonly AlarmRow[];
  readonly acknowledge: (alarmId: number, actor: string) => Outcome<void, Refusal>;
}

/** The host's log. */
interface LogPort {
  readonly level: () => LogLevel;
  readonly setLevel: (level: LogLevel, actor: string) => void;
}

export interface ConsolePorts {
  readonly log: LogPort;
  readonly view: SchedulerView;
  readonly execute: (command: Command) => Promise<Outcome<CommandAnswer, Refusal>>;
  readonly history: ConsoleHistory;
  readonly alarms: AlarmPort;
  readonly simulation: SimulationPort;
  readonly storage: StoragePort;
  readonly schedules: SchedulePort;
  readonly recorder: RecorderPort;
  readonly accounts: AccountsPort;
  readonly audit: AuditPort;
  readonly hello: () => Omit<Hello, 'who'>;
  readonly createEnrolment: (
    settings: EnrolmentSettings,
    actor: string,
  ) => Promise<Outcome<NewEnrolment, Refusal>>;
  /** Refuses `wrong_state` where the host speaks plain text. */
  readonly renewCertificate: () => Promise<Outcome<{ readonly renewed: true }, Refusal>>;
  readonly hubStats: () => { readonly messagesIn: number; readonly badMessages: number };
  readonly overload: OverloadPort;
  readonly clock: () => Ms;
  readonly isRecovering: () => boolean;
  /** Calls `run` each `intervalMs` until the returned function is called. */
  readonly every: (intervalMs: number, run: () => void) => () => void;
  /** Something threw that never should have; the caller was told that the host failed inside. */
  readonly onBug: (error: unknown, where: string) => void;
}

export interface Console {
  /** Requests without a reply of the console that has most of them; the limit is `requestsInFlightMax`. */
  readonly requestsMost: () => number;
  readonly attach: (link: ConsoleLink) => void;
  /** Durable events, in order; not those of a replay. */
  readonly onBatch: (batch: Batch) => void;
  /** The dispatch frame of a first attempt has left, so long after its submit. */
  readonly onDispatched: (latencyMs: number) => void;
  /** Output that was stored. */
  readonly onLog: (taskId: TaskId, pieces: readonly LogPiece[]) => void;
  readonly close: () => void;
}

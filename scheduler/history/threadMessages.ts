// store.ts <-> historyThread.ts: the questions each role answers, and the frames they travel in.
import type { Ms, TaskId, Token } from '../protocol/brands.ts';
import type { LogAck, LogStream } from '../protocol/agentWire.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { LogPage } from '../protocol/consoleAnswers.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { ExportFormat, Retention } from '../protocol/storage.ts';
import type { Grouping, TaskFilter, TaskGroups, TaskPage } from '../protocol/view.ts';
import type { MetricTrace } from '../protocol/fleetFrames.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import type { BuildBegun } from './buildWriter.ts';
import type { MetricSample, TraceAsk } from './metricMessages.ts';
import type { Dropped } from './retention.ts';
import type { BuildPart } from './segmentBuild.ts';

/** A piece of an attempt's output as it arrived. */
export interface ArrivedPiece {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly stream: LogStream;
  readonly offset: number;
  readonly bytes: number;
  readonly text: string;
  readonly atMs: Ms;
  readonly droppedBytes?: number;
}
export interface AppendedLog {
  /** Next offset of each stream that was named, whether or not anything of it was new. */
  readonly offsets: readonly LogAck[];
  /** What was new, as `readLog` gives it. */
  readonly pieces: readonly LogPiece[];
}
export interface TaskCount {
  readonly total: number;
  readonly isEstimate: boolean;
}
/** Tasks that ended within the minute that starts at `minuteMs`. A task that ended twice counts twice. */
export interface EndedMinute {
  readonly minuteMs: Ms;
  readonly succeeded: number;
  readonly deadLettered: number;
  readonly cancelled: number;
}

/** One thing to store, in the order of the journal. */
export type Change =
  /** `records`: each the JSON of a TaskRecord. */
  | { readonly kind: 'ended'; readonly sequence: number; readonly records: readonly string[] }
  | { readonly kind: 'forgotten'; readonly sequence: number; readonly taskId: TaskId }
  | { readonly kind: 'advanced'; readonly sequence: number };

export interface Sizes {
  readonly tasks: number;
  readonly logBytes: number;
  /** Tasks that are in no build of the index yet, or stand in the tables of an older version. */
  readonly unindexed: number;
}
export interface Commit {
  readonly changes: readonly Change[];
  /** One item per call of `appendLog`. */
  readonly logs: readonly (readonly ArrivedPiece[])[];
}
export interface Committed extends Sizes {
  readonly cursor: number;
  readonly logs: readonly AppendedLog[];
  readonly tookMs: number;
}

/** What each role answers: parameters and result. */
export interface Questions {
  commit: { readonly asks: Commit; readonly gets: Committed };
  /** Drops one chunk of what is beyond the bounds. */
  retain: {
    readonly asks: { readonly bounds: Retention; readonly nowMs: Ms };
    readonly gets: Sizes & Dropped;
  };
  /** Begins the build of a segment that is due; undefined: none is. */
  beginBuild: { readonly asks: undefined; readonly gets: BuildBegun | undefined };
  storeBuild: {
    readonly asks: { readonly build: number; readonly part: BuildPart };
    readonly gets: undefined;
  };
  endBuild: { readonly asks: BuildBegun; readonly gets: Sizes };
  /** Moves rows of an older version, or clears what is not needed. False: there is nothing to do. */
  tidy: { readonly asks: undefined; readonly gets: Sizes & { readonly isBusy: boolean } };
  export: {
    readonly asks: { readonly path: string; readonly filter: TaskFilter; readonly format: ExportFormat };
    readonly gets: { readonly rows: number; readonly bytes: number };
  };
  backup: { readonly asks: { readonly path: string }; readonly gets: undefined };
  makeBuild: { readonly asks: number; readonly gets: readonly BuildPart[] };
  /** Drops one chunk of the simulated plant's tasks; `left` 0: there are none any more. */
  dropSimulated: {
    readonly asks: undefined;
    readonly gets: Sizes & { readonly dropped: number; readonly left: number };
  };
  addMetrics: { readonly asks: MetricSample; readonly gets: undefined };
  trace: { readonly asks: TraceAsk; readonly gets: MetricTrace };
  list: {
    readonly asks: {
      readonly filter: TaskFilter;
      readonly before: TaskId | undefined;
      readonly limit: number;
    };
    readonly gets: TaskPage;
  };
  groups: {
    readonly asks: { readonly filter: TaskFilter; readonly by: Grouping };
    readonly gets: TaskGroups;
  };
  oldestEndedMs: { readonly asks: undefined; readonly gets: number | undefined };
  count: { readonly asks: TaskFilter; readonly gets: TaskCount };
  get: { readonly asks: TaskId; readonly gets: TaskRecord | undefined };
  readLog: {
    readonly asks: { readonly token: Token; readonly after: number; readonly limit: number };
    readonly gets: LogPage;
  };
  endedPerMinute: {
    readonly asks: { readonly sinceMs: Ms; readonly untilMs: Ms };
    readonly gets: readonly EndedMinute[];
  };
}
export type Question = keyof Questions;
export type WriterQuestion =
  'commit' | 'retain' | 'dropSimulated' | 'addMetrics' | 'beginBuild' | 'storeBuild' | 'endBuild' | 'tidy';
export type BuilderQuestion = 'makeBuild';
export type CopierQuestion = 'export' | 'backup';
export type ReaderQuestion = Exclude<Question, WriterQuestion | BuilderQuestion | CopierQuestion>;
/** The functions of one role. */
export type Answers<Asked extends Question> = {
  readonly [Name in Asked]: (
    asks: Questions[Name]['asks'],
  ) => Questions[Name]['gets'] | Promise<Questions[Name]['gets']>;
};

export interface ThreadStart {
  readonly role: 'writer' | 'reader' | 'builder' | 'copier';
  readonly folder: string;
  readonly pagesMax?: number;
  /** For tests: how long a page of the reader may take, in milliseconds. */
  readonly budgetMs?: number;
  /** Of a copier: not 0 once the work is not wanted any more. */
  readonly stop?: Int32Array;
}
export type ToThread =
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question; readonly asks: unknown }
  | { readonly kind: 'close' };
export type FromThread =
  | { readonly kind: 'opened'; readonly cursor: number; readonly sizes: Sizes }
  | { readonly kind: 'refused'; readonly fault: StorageFault }
  | { readonly kind: 'answer'; readonly id: number; readonly gets: unknown }
  | { readonly kind: 'failed'; readonly id: number; readonly fault: StorageFault }
  | Told;
/** Told beside the answers. */
export type Told =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  /** Something stored is not what was written; the message names it. */
  | { readonly kind: 'damaged'; readonly message: string };

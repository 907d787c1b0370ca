// A snapshot of the journalled state, made in parts between turns while the state goes on changing: what changes before
// its part was made is put aside as it was (copy on write). All parts together are the state at one batch.
import type { Event } from '../../protocol/events.ts';
import { savedHead, savedNodes } from './savedState.ts';
import { tableParts } from './savedTables.ts';
import { TasksWriter } from './savedTasks.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';

/** Raised with every change that an older reader would misread. `restore.ts` reads all from 1. */
export const snapshotFormat = 3;

/** How large the steps are in which a snapshot is made. */
export interface SnapshotPace {
  /** Characters of one part. */
  readonly partCharacters: number;
  /** Tasks that are put between two pauses. */
  readonly tasksPerStep: number;
}
/** A part is 1 to 3 ms of the journal's thread, a step about 1 ms of the host's. */
const plantPace: SnapshotPace = { partCharacters: 256 * 1024, tasksPerStep: 400 };
/** Nodes or keys of one part: about 200 KiB. */
const rowsPerPart = 1_000;

export class Snapshot {
  readonly #state: SchedulerState;
  readonly #tasks = new TasksWriter();
  /** Tasks with this mark are saved, or came later. */
  readonly #mark: number;
  readonly #pace: SnapshotPace;
  /** Parts that need no watching: their tables were copied when the snapshot began. */
  readonly #copied: Generator<string>;

  /** Copies the small tables: about 10 ms at 50,000 nodes. An unfinished snapshot before it is void from here on. */
  constructor(state: SchedulerState, pace: SnapshotPace = plantPace) {
    this.#state = state;
    this.#pace = pace;
    state.tasks.mark += 1;
    this.#mark = state.tasks.mark;
    this.#copied = copiedParts(state);
    state.snapshot = this;
  }

  /** Called before an event changes a task. */
  keep(event: Event): void {
    for (const task of touchedBy(event, this.#state)) this.#put(task);
  }

  /**
   * The parts, in order. Undefined: nothing to give, a moment to let others work. Reading it to the end, or `close`,
   * ends the watching.
   */
  *parts(): Generator<string | undefined> {
    yield* this.#copied;
    const { partCharacters, tasksPerStep } = this.#pace;
    let put = 0;
    for (const task of this.#state.tasks.all()) {
      if (this.#put(task)) put += 1;
      if (this.#tasks.size >= partCharacters) yield this.#tasks.take();
      else if (put >= tasksPerStep) yield undefined;
      else continue;
      put = 0;
    }
    this.close();
    yield this.#tasks.take();
  }

  close(): void {
    if (this.#state.snapshot === this) this.#state.snapshot = undefined;
  }

  #put(task: Task): boolean {
    if (task.mark === this.#mark) return false;
    task.mark = this.#mark;
    this.#tasks.put(task);
    return true;
  }
}

function touchedBy(event: Event, { tasks, gangs }: SchedulerState): readonly Task[] {
  if ('groupId' in event) return gangs.get(event.groupId)?.members ?? none;
  const task =
    'taskId' in event ? tasks.get(event.taskId) : 'token' in event ? tasks.byToken(event.token) : undefined;
  return task ? [task] : none;
}
const none: readonly Task[] = [];

function copiedParts(state: SchedulerState): Generator<string> {
  const head = { version: snapshotFormat, ...savedHead(state), liveTasks: state.tasks.size };
  const nodes = savedNodes(state);
  const nodeKeys = [...state.nodeKeys];
  const keys = [...state.tasks.endedKeys()];
  const tables = tableParts(state);
  return (function* (): Generator<string> {
    yield JSON.stringify(head);
    for (const some of sliced(nodes)) yield JSON.stringify({ nodes: some });
    for (const some of sliced(nodeKeys)) yield JSON.stringify({ nodeKeys: some });
    for (const some of sliced(keys)) yield JSON.stringify({ keys: some });
    for (const { table, rows } of tables)
      for (const some of sliced(rows)) yield JSON.stringify({ table, rows: some });
  })();
}

function* sliced<Row>(rows: readonly Row[]): Generator<readonly Row[]> {
  for (let from = 0; from < rows.length; from += rowsPerPart) yield rows.slice(from, from + rowsPerPart);
}

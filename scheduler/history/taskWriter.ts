// Stores, replaces and drops ended tasks, and keeps the tallies that make counts cheap. Works inside a transaction.
import type { TaskId } from '../protocol/brands.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { searchTextOf } from '../protocol/taskRow.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn, type Row, textIn } from '../sqlite/columns.ts';

/** Characters of a task that a text filter looks at; more would double the size of the file for long programs. */
const searchCharactersMax = 2_000;
const minuteMs = 60_000;

export class TaskWriter {
  readonly #find: Statement;
  readonly #put: Statement;
  readonly #delete: Statement;
  readonly #addTally: Statement;
  readonly #addMinute: Statement;

  constructor(database: Database) {
    this.#find = database.prepare('SELECT * FROM task WHERE task_id = ?');
    this.#put = database.prepare('INSERT OR REPLACE INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM task WHERE task_id = ?');
    this.#addTally = database.prepare(
      'INSERT INTO tally VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n',
    );
    this.#addMinute = database.prepare(
      'INSERT INTO ended_minute VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n',
    );
  }

  /** Stores a task that ended in batch `sequence`; an older end of the same task is replaced. */
  put(text: string, sequence: number): void {
    const record = JSON.parse(text) as TaskRecord;
    const before = this.#find.get(record.taskId);
    if (before) {
      if (numberIn(before, 'sequence') > sequence) return;
      this.drop(before);
      this.uncount(before);
    }
    const endedMs = record.endedAtMs ?? record.submittedAtMs;
    const { queue } = record.spec;
    const nodeId = record.attempts.at(-1)?.nodeId ?? null;
    const search = searchTextOf(record.spec).slice(0, searchCharactersMax);
    const { taskId, state, submittedAtMs } = record;
    const isSimulated = record.spec.work.kind === 'simulated' ? 1 : 0;
    this.#put.run(taskId, sequence, state, queue, nodeId, submittedAtMs, endedMs, search, text, isSimulated);
    this.#addTally.run(queue, record.state, 1);
    this.#addMinute.run(minuteOf(endedMs), record.state, 1);
  }

  /** Drops a task that was requeued in batch `sequence`: it is live again. Its end still counts in its minute. */
  forget(taskId: TaskId, sequence: number): void {
    const before = this.#find.get(taskId);
    if (before && numberIn(before, 'sequence') <= sequence) this.drop(before);
  }

  /** Drops a row of `task`, but not its output. */
  drop(row: Row): void {
    this.#delete.run(numberIn(row, 'task_id'));
    this.#addTally.run(textIn(row, 'queue'), textIn(row, 'state'), -1);
  }

  /** Takes the end of a row of `task` out of its minute. */
  uncount(row: Row): void {
    this.#addMinute.run(minuteOf(numberIn(row, 'ended_ms')), textIn(row, 'state'), -1);
  }
}

const minuteOf = (atMs: number): number => Math.floor(atMs / minuteMs);

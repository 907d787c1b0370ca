// Stores, replaces and drops ended tasks, and keeps the tallies that make counts cheap. Works inside a transaction,
// at whose end `store` is called.
import type { TaskId } from '../protocol/brands.ts';
import { searchTextOf } from '../protocol/taskRow.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn, textIn } from '../sqlite/columns.ts';
import { endedColumns, endedRowIn, type EndedRow, endedRowOf, sealOf } from './endedRow.ts';
import { Names } from './names.ts';
import { recordFrom } from './records.ts';
import type { SegmentBook } from './segmentBook.ts';
import { Tallies } from './tallies.ts';

export class TaskWriter {
  readonly #segments: SegmentBook;
  readonly #names: Names;
  readonly #tallies: Tallies;
  readonly #find: Statement;
  readonly #put: Statement;
  readonly #putRecord: Statement;
  readonly #delete: Statement;
  readonly #deleteRecord: Statement;
  readonly #legacy: Statement;
  readonly #deleteLegacy: Statement;
  readonly #countLegacy: Statement;
  #hasLegacy: boolean;

  constructor(database: Database, segments: SegmentBook) {
    this.#segments = segments;
    this.#names = new Names(database);
    this.#tallies = new Tallies(database);
    this.#find = database.prepare(`SELECT ${endedColumns} FROM ended WHERE task_id = ?`);
    this.#put = database.prepare('INSERT INTO ended VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#putRecord = database.prepare('INSERT OR REPLACE INTO record VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM ended WHERE task_id = ?');
    this.#deleteRecord = database.prepare('DELETE FROM record WHERE task_id = ?');
    this.#legacy = database.prepare('SELECT sequence, state, ended_ms FROM task_v2 WHERE task_id = ?');
    this.#deleteLegacy = database.prepare('DELETE FROM task_v2 WHERE task_id = ?');
    this.#countLegacy = database.prepare(`UPDATE meta SET number = number - 1 WHERE key = 'legacy_tasks'`);
    this.#hasLegacy = database.prepare('SELECT 1 FROM task_v2 LIMIT 1').get() !== undefined;
  }

  /** Rows of an older version that are not moved yet. */
  get hasLegacy(): boolean {
    return this.#hasLegacy;
  }
  legacyEnded(): void {
    this.#hasLegacy = false;
  }

  /** Stores a task that ended in batch `sequence`; an older end of the same task is replaced. */
  put(text: string, sequence: number): void {
    const record = recordFrom(text);
    const before = this.find(record.taskId);
    if (before) {
      if (before.sequence > sequence) return;
      this.drop(before, false);
      this.#tallies.addMinute(before, -1);
    }
    if (this.#hasLegacy && !this.#replacesLegacy(record.taskId, sequence, true)) return;
    const row = endedRowOf(record, sequence, (name) => this.#names.numberOf(name));
    this.#put.run(
      row.taskId,
      row.sequence,
      row.state,
      row.queue,
      row.tenant,
      row.node,
      row.kind,
      row.submittedMs,
      row.tookMs,
      sealOf(row, text),
    );
    this.#putRecord.run(row.taskId, text, searchTextOf(record.spec));
    this.#segments.added(row);
    this.#tallies.add(row, 1);
    this.#tallies.addMinute(row, 1);
  }

  /** Drops a task that was requeued in batch `sequence`: it is live again. Its end still counts in its minute. */
  forget(taskId: TaskId, sequence: number): void {
    const before = this.find(taskId);
    if (before && before.sequence <= sequence) this.drop(before, false);
    if (this.#hasLegacy) this.#replacesLegacy(taskId, sequence, false);
  }

  find(taskId: number): EndedRow | undefined {
    const row = this.#find.get(taskId);
    return row && endedRowIn(row);
  }

  /** Drops a task, but not its output. `isLetGo`: by retention. */
  drop(row: EndedRow, isLetGo: boolean): void {
    this.#delete.run(row.taskId);
    this.#deleteRecord.run(row.taskId);
    this.#segments.removed(row.taskId, isLetGo);
    this.#tallies.add(row, -1);
  }

  /** Takes the end of a task out of its minute. */
  uncount(row: EndedRow): void {
    this.#tallies.addMinute(row, -1);
  }

  /** At the end of a transaction. */
  store(): void {
    this.#tallies.store();
    this.#segments.store();
  }

  /** False: what the older version stored is newer. `isEnd`: the same task ends again, here. */
  #replacesLegacy(taskId: number, sequence: number, isEnd: boolean): boolean {
    const legacy = this.#legacy.get(taskId);
    if (!legacy) return true;
    if (numberIn(legacy, 'sequence') > sequence) return false;
    this.#deleteLegacy.run(taskId);
    this.#countLegacy.run();
    if (isEnd) this.#tallies.addEnd(numberIn(legacy, 'ended_ms'), textIn(legacy, 'state'), -1);
    return true;
  }
}

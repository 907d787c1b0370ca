// Goes through ended tasks segment by segment, newest first: by the index where a segment has one, else row by row.
import type { TaskRecord } from '../protocol/task.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { bytesIn, numberIn, type Row } from '../sqlite/columns.ts';
import { endedColumns, type EndedRow, endedRowIn } from './endedRow.ts';
import { missedKey, presentKey } from './facets.ts';
import { decodePlaces, Places, segmentOf, segmentSize } from './postings.ts';
import { Damaged, RecordReader } from './records.ts';
import type { Search } from './search.ts';
import { type Segment, segmentIn } from './segmentBook.ts';

/** A task of a segment that matches. `record` undefined: it is damaged, as `damage` says. */
export interface Match {
  readonly row: EndedRow;
  readonly record: TaskRecord | undefined;
  readonly damage: string | undefined;
}

/** Every so many tasks the time is looked at, some 2 ms of work. */
const tasksPerLook = 64;
/** Ids that are read from a segment without an index at a time. */
const idsAtOnce = 512;

export class SegmentWalk {
  readonly #database: Database;
  readonly #records: RecordReader;
  readonly #segments: Statement;
  readonly #ended: Statement;
  readonly #posting: Statement;
  readonly #late: Statement;

  constructor(database: Database) {
    this.#database = database;
    this.#records = new RecordReader(database);
    this.#segments = database.prepare(
      'SELECT * FROM segment WHERE segment <= ? ORDER BY segment DESC LIMIT ?',
    );
    this.#ended = database.prepare(`SELECT ${endedColumns} FROM ended WHERE task_id = ?`);
    this.#posting = database.prepare('SELECT places FROM posting WHERE build = ? AND key = ?');
    this.#late = database.prepare('SELECT task_id FROM late WHERE task_id >= ? AND task_id < ?');
  }

  /** Segments that may hold tasks below `before` which the search wants, newest first. */
  *segments(search: Search, before: number): Generator<Segment> {
    let newest = segmentOf(Math.min(before, search.toId) - 1);
    const oldest = segmentOf(search.fromId);
    for (;;) {
      const rows = this.#segments.all(newest, tasksPerLook);
      for (const row of rows) {
        const segment = segmentIn(row);
        newest = segment.segment - 1;
        if (segment.segment < oldest) return;
        if (segment.submittedMax >= search.sinceMs && segment.submittedMin < search.untilMs) yield segment;
      }
      if (rows.length < tasksPerLook) return;
    }
  }

  /**
   * What matches in a segment below `before`, newest first. After every 64 tasks that were looked at and do not
   * match comes an id alone, so that the caller can stop there.
   */
  *matches(search: Search, segment: Segment, before: number): Generator<Match | number> {
    let looked = 0;
    for (const taskId of this.#candidates(search, segment, before)) {
      const match = this.matchOf(search, taskId);
      if (match) yield match;
      looked += 1;
      if (looked % tasksPerLook === 0) yield taskId;
    }
  }

  /** The places that have all keys of the search, where the segment has an index. */
  places(search: Search, segment: Segment): Places {
    let left: Places | undefined;
    for (const anyOf of search.keys) {
      const found = new Places();
      let isFound = false;
      for (const key of anyOf) {
        const places = this.#read(segment.build, key) ?? this.#anyOfOld(segment, key);
        if (!places) continue;
        isFound = true;
        found.addAll(places);
      }
      if (!isFound) return new Places();
      if (left) left.keepAlso(found);
      else left = found;
    }
    return left ?? this.#read(segment.build, presentKey) ?? new Places();
  }

  lateIn({ segment, late }: Segment): number[] {
    if (late === 0) return [];
    const lowest = segment * segmentSize;
    return this.#late.all(lowest, lowest + segmentSize).map((row) => numberIn(row, 'task_id'));
  }

  /** A task with its record; a record that is damaged is told of, and not thrown. */
  match(row: Row): Match {
    const ended = endedRowIn(row);
    try {
      return { row: ended, record: this.#records.read(row), damage: undefined };
    } catch (error) {
      if (!(error instanceof Damaged)) throw error;
      return { row: ended, record: undefined, damage: error.message };
    }
  }

  /** Tasks of a segment that match, but for what only columns tell. */
  *idsThatMatch(search: Search, segment: Segment): Generator<number> {
    if (segment.build === 0 || !search.isByKeys) {
      for (const match of this.matches(search, segment, Number.MAX_SAFE_INTEGER))
        if (typeof match !== 'number') yield match.row.taskId;
      return;
    }
    const lowest = segment.segment * segmentSize;
    const places = this.places(search, segment);
    // What the index knows of a task that was replaced is not so any more.
    for (const taskId of this.lateIn(segment)) places.drop(taskId - lowest);
    for (const taskId of this.lateThatMatch(search, segment)) places.add(taskId - lowest);
    yield* offset(places.downFrom(segmentSize), lowest);
  }

  /** Late tasks that match, but for what only columns tell. */
  lateThatMatch(search: Search, segment: Segment): number[] {
    const late = this.lateIn(segment);
    if (!search.readsRecord) return late;
    return late.filter((taskId) => {
      const row = this.#ended.get(taskId);
      const record = row && this.match(row).record;
      return record !== undefined && search.matchesRecord(record);
    });
  }

  /** Throws `Damaged`. */
  record(taskId: number): TaskRecord | undefined {
    const row = this.#ended.get(taskId);
    return row && this.#records.read(row);
  }

  /** The columns of a task where they match. */
  columns(search: Search, taskId: number): EndedRow | undefined {
    const row = this.#ended.get(taskId);
    const ended = row && endedRowIn(row);
    return ended && search.matchesColumns(ended) ? ended : undefined;
  }

  /** Undefined where the task does not match, or is gone. */
  matchOf(search: Search, taskId: number): Match | undefined {
    const row = this.#ended.get(taskId);
    if (!row || !search.matchesColumns(endedRowIn(row))) return undefined;
    const match = this.match(row);
    // What cannot be read cannot be searched: it is shown where no text or label is asked for.
    if (!match.record) return search.readsRecord ? undefined : match;
    return search.matchesRecord(match.record) ? match : undefined;
  }

  /** A build of an older version does not say who missed a deadline: it may be any of its tasks. */
  #anyOfOld({ build }: Segment, key: number): Places | undefined {
    return key === missedKey ? this.#read(build, presentKey) : undefined;
  }

  #candidates(search: Search, segment: Segment, before: number): Iterable<number> {
    if (segment.build === 0) return this.#unbuilt(search, segment, before);
    const lowest = segment.segment * segmentSize;
    const places = this.places(search, segment);
    for (const taskId of this.lateIn(segment)) places.add(taskId - lowest);
    return offset(places.downFrom(Math.min(before - lowest, segmentSize)), lowest);
  }

  *#unbuilt(search: Search, { segment }: Segment, before: number): Generator<number> {
    const { where, needles, marks } = search;
    const lowest = segment * segmentSize;
    const has = [
      ...needles.map(() => 'AND instr(record.search, ?) > 0'),
      ...marks.map(() => 'AND instr(record.body, ?) > 0'),
    ].join(' ');
    const join = has === '' ? '' : 'JOIN record USING (task_id)';
    const statement = this.#database.prepare(
      `SELECT task_id FROM ended ${join} WHERE ${where.text} ${has} AND task_id >= ? AND task_id < ?
        ORDER BY task_id DESC LIMIT ?`,
    );
    let below = Math.min(before, lowest + segmentSize);
    for (;;) {
      const rows = statement.all(...where.parameters, ...needles, ...marks, lowest, below, idsAtOnce);
      for (const row of rows) yield (below = numberIn(row, 'task_id'));
      if (rows.length < idsAtOnce) return;
    }
  }

  #read(build: number, key: number): Places | undefined {
    const row = this.#posting.get(build, key);
    const against = (): Places =>
      key === presentKey ? new Places().fill() : (this.#read(build, presentKey) ?? new Places());
    return row && decodePlaces(bytesIn(row, 'places'), against);
  }
}

function* offset(places: Iterable<number>, lowest: number): Generator<number> {
  for (const place of places) yield lowest + place;
}

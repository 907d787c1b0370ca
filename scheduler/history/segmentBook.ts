// The writer's book of segments: how many tasks each has, how many its build does not know, and which is due for one.
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn, type Row } from '../sqlite/columns.ts';
import type { EndedRow } from './endedRow.ts';
import { segmentOf, segmentSize } from './postings.ts';

/** A segment's line in the table of the same name, see schemaEnded.ts. */
export interface Segment {
  readonly segment: number;
  readonly rows: number;
  readonly build: number;
  readonly built: number;
  readonly late: number;
  readonly gone: number;
  readonly isRagged: boolean;
  readonly isLoose: boolean;
  readonly submittedMin: number;
  readonly submittedMax: number;
  readonly endedMin: number;
}
type Entry = { -readonly [Name in keyof Segment]: Segment[Name] };

export const segmentIn = (row: Row): Segment => ({
  segment: numberIn(row, 'segment'),
  rows: numberIn(row, 'rows'),
  build: numberIn(row, 'build'),
  built: numberIn(row, 'built'),
  late: numberIn(row, 'late'),
  gone: numberIn(row, 'gone'),
  isRagged: numberIn(row, 'is_ragged') === 1,
  isLoose: numberIn(row, 'is_loose') === 1,
  submittedMin: numberIn(row, 'submitted_min'),
  submittedMax: numberIn(row, 'submitted_max'),
  endedMin: numberIn(row, 'ended_min'),
});

/** A segment so far behind the newest waits no longer for tasks that run, or for few late ones. */
const restingAfter = 4;
const oldAfter = 64;
/** Fewer changes than this are read one by one: about 10 ms. */
const changesMin = 2_048;
/** Once newer tasks end, a few that still run need not be waited for. */
const nearlyFull = segmentSize - 1_024;
const changesMinOld = 64;
/** A build is made again when so large a part of it changed: each task is built 5 times at most. */
const changedPart = 8;

interface Build {
  readonly mark: number;
  readonly gone: number;
}

export class SegmentBook {
  readonly #entries = new Map<number, Entry>();
  readonly #dirty = new Set<number>();
  readonly #building = new Map<number, Build>();
  readonly #put: Statement;
  readonly #drop: Statement;
  readonly #addLate: Statement;
  readonly #dropLate: Statement;
  #unused: number[] = [];
  #change = 0;
  #newest = 0;

  constructor(database: Database) {
    for (const row of database.prepare('SELECT * FROM segment').all()) {
      const entry = segmentIn(row);
      this.#entries.set(entry.segment, { ...entry });
      this.#newest = Math.max(this.#newest, entry.segment);
    }
    this.#put = database.prepare('INSERT OR REPLACE INTO segment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)');
    this.#drop = database.prepare('DELETE FROM segment WHERE segment = ?');
    this.#addLate = database.prepare('INSERT OR REPLACE INTO late VALUES (?, ?)');
    this.#dropLate = database.prepare('DELETE FROM late WHERE task_id = ?');
    // A build that a crash cut short has left no line; what came during it is late all the same.
    const newest = database.prepare('SELECT coalesce(max(change), 0) AS n FROM late').get() ?? {};
    this.#change = numberIn(newest, 'n');
  }

  /** Tasks that are in no build. */
  get unbuilt(): number {
    let sum = 0;
    for (const { build, late, rows } of this.#entries.values()) sum += build === 0 ? rows : late;
    return sum;
  }

  all(): Iterable<Segment> {
    return this.#entries.values();
  }
  get(segment: number): Segment | undefined {
    return this.#entries.get(segment);
  }

  added(row: EndedRow): void {
    const segment = segmentOf(row.taskId);
    const entry = this.#entries.get(segment) ?? this.#begin(segment, row);
    entry.rows += 1;
    entry.submittedMin = Math.min(entry.submittedMin, row.submittedMs);
    entry.submittedMax = Math.max(entry.submittedMax, row.submittedMs);
    entry.endedMin = Math.min(entry.endedMin, row.submittedMs + row.tookMs);
    this.#dirty.add(segment);
    if (entry.build === 0 && !this.#building.has(segment)) return;
    this.#change += 1;
    this.#addLate.run(row.taskId, this.#change);
    entry.late += 1;
  }

  /** `isLetGo`: by retention, which no new build is worth. */
  removed(taskId: number, isLetGo: boolean): void {
    const segment = segmentOf(taskId);
    const entry = this.#entries.get(segment);
    if (!entry) return;
    entry.rows -= 1;
    this.#dirty.add(segment);
    if (entry.build === 0 && !this.#building.has(segment)) return;
    if (Number(this.#dropLate.run(taskId).changes) > 0) entry.late -= 1;
    else if (isLetGo) entry.isRagged = true;
    else entry.gone += 1;
  }

  change(segment: number, to: Partial<Entry>): void {
    const entry = this.#entries.get(segment);
    if (!entry) return;
    Object.assign(entry, to);
    this.#dirty.add(segment);
  }

  /** From now on what comes and goes is noted for `built`. */
  beginBuild(segment: number): void {
    this.#building.set(segment, { mark: this.#change, gone: this.#entries.get(segment)?.gone ?? 0 });
  }
  endBuild(segment: number): Build | undefined {
    const build = this.#building.get(segment);
    this.#building.delete(segment);
    return build;
  }

  /** The segment whose build is most worth making; undefined: none is due. */
  due(): Segment | undefined {
    for (const entry of this.#entries.values())
      if (!this.#building.has(entry.segment) && this.#isDue(entry)) return entry;
    return undefined;
  }

  /** Builds of segments that have become empty. Each is given once. */
  takeUnused(): number[] {
    const unused = this.#unused;
    this.#unused = [];
    return unused;
  }

  store(): void {
    for (const segment of this.#dirty) {
      const entry = this.#entries.get(segment);
      if (!entry) continue;
      if (entry.rows === 0 && !this.#building.has(segment)) {
        this.#drop.run(segment);
        if (entry.build !== 0) this.#unused.push(entry.build);
        this.#entries.delete(segment);
        continue;
      }
      const { rows, build, built, late, gone, submittedMin, submittedMax, endedMin } = entry;
      const flags = [entry.isRagged ? 1 : 0, entry.isLoose ? 1 : 0] as const;
      this.#put.run(segment, rows, build, built, late, gone, ...flags, submittedMin, submittedMax, endedMin);
    }
    this.#dirty.clear();
  }

  #begin(segment: number, { submittedMs, tookMs }: EndedRow): Entry {
    const entry: Entry = {
      segment,
      rows: 0,
      build: 0,
      built: 0,
      late: 0,
      gone: 0,
      isRagged: false,
      isLoose: false,
      submittedMin: submittedMs,
      submittedMax: submittedMs,
      endedMin: submittedMs + tookMs,
    };
    this.#entries.set(segment, entry);
    this.#newest = Math.max(this.#newest, segment);
    return entry;
  }

  #isDue({ segment, rows, build, built, late, gone }: Entry): boolean {
    const least =
      segment <= this.#newest - oldAfter
        ? changesMinOld
        : segment <= this.#newest - restingAfter
          ? changesMin
          : segment < this.#newest
            ? nearlyFull
            : segmentSize;
    if (build === 0) return rows >= least;
    return late + gone >= Math.max(Math.min(least, changesMin), built / changedPart);
  }
}

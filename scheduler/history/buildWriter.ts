// The writer's side of a build: begins it, stores its parts, puts it in the place of the one before, and clears what is
// not needed any more, a small step at a time. Each step is a transaction.
import type { Database, Statement } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import { segmentSize } from './postings.ts';
import { blocksPerBuild } from './records.ts';
import type { SegmentBook } from './segmentBook.ts';
import type { BuildPart, PackedPostings } from './segmentBuild.ts';

/** How long one call clears; a step more may follow. */
const tidyMs = 6;
/** Rows that one step clears: about 5 ms. */
const recordsPerStep = 1_000;
const postingsPerStep = 4_000;

export interface BuildBegun {
  readonly segment: number;
  readonly build: number;
}

export class BuildWriter {
  readonly #database: Database;
  readonly #segments: SegmentBook;
  readonly #putPosting: Statement;
  readonly #putBlock: Statement;
  /** Builds that nothing points to any more. */
  readonly #unused: number[];
  /** Segments whose records are in blocks and in table `record` still, and the id up to which that is cleared. */
  readonly #loose = new Map<number, number>();

  constructor(database: Database, segments: SegmentBook) {
    this.#database = database;
    this.#segments = segments;
    this.#putPosting = database.prepare('INSERT INTO posting VALUES (?, ?, ?, ?)');
    this.#putBlock = database.prepare('INSERT INTO block VALUES (?, ?)');
    const used = new Set<number>();
    for (const { segment, build, isLoose } of segments.all()) {
      used.add(build);
      if (isLoose) this.#loose.set(segment, segment * segmentSize);
    }
    this.#unused = buildsIn(database).filter((build) => !used.has(build));
  }

  /** Undefined: no segment is due. */
  begin(): BuildBegun | undefined {
    const due = this.#segments.due();
    if (!due) return undefined;
    const build = inTransaction(this.#database, () => {
      this.#database.exec(`UPDATE meta SET number = number + 1 WHERE key = 'build'`);
      return numberIn(
        this.#database.prepare(`SELECT number FROM meta WHERE key = 'build'`).get() ?? {},
        'number',
      );
    });
    this.#segments.beginBuild(due.segment);
    return { segment: due.segment, build };
  }

  store(build: number, { postings, blocks }: BuildPart): void {
    inTransaction(this.#database, () => {
      for (const { number, body } of blocks) this.#putBlock.run(build * blocksPerBuild + number, body);
      if (postings) this.#putAll(build, postings);
    });
  }

  #putAll(build: number, { keys, counts, ends, bytes }: PackedPostings): void {
    let from = 0;
    for (const [at, key] of keys.entries()) {
      const end = ends[at] ?? from;
      this.#putPosting.run(build, key, counts[at] ?? 0, bytes.subarray(from, end));
      from = end;
    }
  }

  /** From now on readers find the segment's tasks by this build. */
  end({ segment, build }: BuildBegun): void {
    inTransaction(this.#database, () => {
      const begun = this.#segments.endBuild(segment);
      const now = this.#segments.get(segment);
      if (!begun || !now || now.rows === 0) {
        this.#unused.push(build);
        this.#segments.change(segment, {});
        this.#segments.store();
        return;
      }
      const from = segment * segmentSize;
      const range = [from, from + segmentSize] as const;
      this.#database
        .prepare('DELETE FROM late WHERE task_id >= ? AND task_id < ? AND change <= ?')
        .run(...range, begun.mark);
      const late = this.#count('late', range);
      const gone = now.gone - begun.gone;
      if (now.build !== 0) this.#unused.push(now.build);
      const built = this.#count('ended', range) - late + gone;
      this.#segments.change(segment, { build, late, gone, built, isLoose: true });
      this.#loose.set(segment, from);
      this.#segments.store();
    });
  }

  /** Clears for some milliseconds. False: there is nothing to clear. */
  tidy(): boolean {
    const endMs = performance.now() + tidyMs;
    let isBusy = this.#clearSome();
    while (isBusy && performance.now() < endMs) isBusy = this.#clearSome();
    return isBusy;
  }

  #clearSome(): boolean {
    this.#unused.push(...this.#segments.takeUnused());
    const [loose] = this.#loose;
    if (loose) this.#clearRecords(...loose);
    else if (this.#unused[0] !== undefined) this.#clearBuild(this.#unused[0]);
    else return false;
    return true;
  }

  #count(table: 'late' | 'ended', range: readonly [number, number]): number {
    const row = this.#database
      .prepare(`SELECT count(*) AS n FROM ${table} WHERE task_id >= ? AND task_id < ?`)
      .get(...range);
    return row ? numberIn(row, 'n') : 0;
  }

  #clearRecords(segment: number, from: number): void {
    const end = (segment + 1) * segmentSize;
    const to = Math.min(end, from + recordsPerStep);
    inTransaction(this.#database, () => {
      // A late one is in no block.
      this.#database
        .prepare(
          `DELETE FROM record WHERE task_id >= ? AND task_id < ? AND task_id NOT IN (SELECT task_id FROM late)`,
        )
        .run(from, to);
      if (to === end) this.#segments.change(segment, { isLoose: false });
      this.#segments.store();
    });
    if (to === end) this.#loose.delete(segment);
    else this.#loose.set(segment, to);
  }

  #clearBuild(build: number): void {
    const cleared = inTransaction(this.#database, () => {
      const keys = this.#database
        .prepare('SELECT key FROM posting WHERE build = ? ORDER BY key LIMIT 1 OFFSET ?')
        .get(build, postingsPerStep);
      const below = keys ? numberIn(keys, 'key') : Number.MAX_SAFE_INTEGER;
      this.#database.prepare('DELETE FROM posting WHERE build = ? AND key < ?').run(build, below);
      if (keys) return false;
      const first = build * blocksPerBuild;
      this.#database.prepare('DELETE FROM block WHERE id >= ? AND id < ?').run(first, first + blocksPerBuild);
      return true;
    });
    if (cleared) this.#unused.shift();
  }
}

/** The numbers of all builds of which something is stored. */
function buildsIn(database: Database): number[] {
  const builds = new Set<number>();
  const nextPosting = database.prepare('SELECT min(build) AS n FROM posting WHERE build > ?');
  const nextBlock = database.prepare('SELECT min(id) AS n FROM block WHERE id >= ?');
  for (const next of [
    (build: number) => nextPosting.get(build)?.['n'],
    (build: number) => {
      const id = nextBlock.get((build + 1) * blocksPerBuild)?.['n'];
      return typeof id === 'number' ? Math.floor(id / blocksPerBuild) : null;
    },
  ]) {
    let build = next(-1);
    for (; typeof build === 'number'; build = next(build)) builds.add(build);
  }
  return [...builds];
}

// The core as it was at a time: the newest snapshot before it, and the recorded batches replayed up to it. Moving on to
// a later time replays only what lies between.
import { Core } from '../core/cycle.ts';
import type { Database } from '../sqlite/driver.ts';
import {
  blocksAfter,
  bytesBetween,
  NotRecorded,
  snapshotPart,
  spanOf,
  type Start,
  startsBefore,
} from './reading.ts';

/** Bytes read of bytes to read. */
export interface SeekStep {
  readonly done: number;
  readonly total: number;
}

export class Past {
  readonly #database: Database;
  #core: Core | undefined;
  /** What was found damaged and gone around, in words. */
  readonly notices = new Set<string>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** As of the last seek. */
  get core(): Core {
    if (!this.#core) throw new Error('no time was sought');
    return this.#core;
  }

  forget(): void {
    this.#core = undefined;
  }

  /**
   * Takes the core to the last batch that is not after `atMs`, in steps of some ms. Throws `NotRecorded` where that
   * cannot be shown; an abandoned or failed seek leaves no core.
   */
  *seek(atMs: number): Generator<SeekStep> {
    const span = spanOf(this.#database);
    if (!span) throw new NotRecorded('nothing is recorded yet');
    if (atMs < span.fromMs)
      throw new NotRecorded(`the record reaches back to ${isoOf(span.fromMs)}; ${isoOf(atMs)} is before it`);
    const present = this.#core;
    this.#core = undefined;
    const starts = startsBefore(this.#database, atMs);
    const isNear = present !== undefined && present.state.lastBatchAtMs <= atMs;
    const ways = isNear ? [present, ...starts] : starts;
    // The core that is here goes on where no snapshot lies between; else the newest start that can be read leads there.
    const ordered = [...ways].sort((a, b) => sequenceOf(b) - sequenceOf(a));
    let failure: NotRecorded | undefined;
    for (const way of ordered) {
      try {
        this.#core = yield* this.#reach(way, atMs);
        return;
      } catch (error) {
        if (!(error instanceof NotRecorded)) throw error;
        failure ??= error;
        this.notices.add(error.message);
      }
    }
    throw failure ?? new NotRecorded(`nothing that was recorded leads to ${isoOf(atMs)}`);
  }

  *#reach(from: Core | Start, atMs: number): Generator<SeekStep, Core> {
    const snapshotBytes = from instanceof Core ? 0 : from.bytes;
    const total = snapshotBytes + bytesBetween(this.#database, sequenceOf(from), atMs);
    const core = from instanceof Core ? from : yield* this.#restore(from, total);
    let done = snapshotBytes;
    for (const { batches, bytes } of blocksAfter(this.#database, core.state.sequence, atMs)) {
      for (const batch of batches) core.replay(batch);
      done += bytes;
      yield { done, total };
    }
    return core;
  }

  *#restore(start: Start, total: number): Generator<SeekStep, Core> {
    const core = new Core();
    if (start.parts === 0) return core;
    const restoring = core.restore();
    let done = 0;
    for (let part = 0; part < start.parts; part += 1) {
      const text = snapshotPart(this.#database, start, part);
      restoring.take(text);
      done += text.length;
      yield { done, total };
    }
    restoring.finish();
    return core;
  }
}

const sequenceOf = (way: Core | Start): number => (way instanceof Core ? way.state.sequence : way.sequence);
export const isoOf = (atMs: number): string => new Date(atMs).toISOString();

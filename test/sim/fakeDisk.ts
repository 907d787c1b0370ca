// The journal's disk: batches are durable after a delay and in order; a crash loses, tears or keeps those under way; a
// full or broken disk refuses. All is kept as text, so nothing in memory can change what was written.
import type { Batch } from '../../scheduler/protocol/events.ts';
import { SnapshotShelf, type StoredSnapshot } from './snapshotShelf.ts';
import type { World } from './world.ts';

interface Write {
  readonly text: string;
  readonly cancel: () => void;
}
export interface Recovered {
  readonly snapshot: StoredSnapshot | undefined;
  /** Batches after the snapshot. */
  readonly batches: readonly Batch[];
}

export class FakeDisk {
  isFull = false;
  /** Reads and writes end in errors, and what became of a write is not known. */
  isBroken = false;
  /** Longest write under way; raised by a fault. */
  slowestMs = 4;
  /** A mutant: says durable first, writes later. */
  isLying = false;
  /** A mutant: an error is no reason to stop. */
  areErrorsIgnored = false;
  readonly counts = { lost: 0, torn: 0, keptUnheard: 0, lostSeveral: 0, full: 0, broken: 0 };
  readonly shelf: SnapshotShelf;
  readonly #rows: string[] = [];
  readonly #world: World;
  #writes: Write[] = [];
  #lastDueMs = 0;
  /** After a write that failed nothing more is taken in this life. */
  #hasFailed = false;
  #onWrite: (() => void) | undefined;

  constructor(world: World) {
    this.#world = world;
    this.shelf = new SnapshotShelf(world, () => this.#rows.length);
  }

  get lastSequence(): number {
    return this.#rows.length;
  }
  /** Durable batches after this one, oldest first, as they are read back. */
  batchesAfter(sequence: number): readonly Batch[] {
    return this.#rows.slice(sequence).map((text) => JSON.parse(text) as Batch);
  }

  append(batch: Batch, done: () => void, fail: () => void): void {
    const text = JSON.stringify(batch);
    const { world, delayMs } = this.#nextWrite();
    if (this.isFull || this.#hasFailed) {
      this.counts.full += 1;
      this.#hasFailed = true;
      world.after(delayMs, fail);
      return;
    }
    if (this.isBroken) {
      this.counts.broken += 1;
      this.#hasFailed = true;
      this.#writes.push({ text, cancel: () => undefined });
      world.after(delayMs, this.areErrorsIgnored ? done : fail);
      return;
    }
    const finish = (): void => {
      this.#writes.shift();
      this.#rows.push(text);
      world.note(text);
      if (!this.isLying) done();
    };
    this.#writes.push({ text, cancel: world.after(delayMs + (this.isLying ? 40 : 0), finish) });
    if (this.isLying) world.after(delayMs, done);
    const onWrite = this.#onWrite;
    this.#onWrite = undefined;
    if (onWrite) world.after(delayMs * world.random.next(), onWrite);
  }

  /** Somewhere within the next write: where a crash hurts most. */
  duringNextWrite(run: () => void): void {
    this.#onWrite = run;
  }

  /** The machine stops: the first of the writes under way may be there, one may be half there, none may be. */
  crash(): void {
    this.shelf.crash();
    const writes = this.#writes;
    this.#writes = [];
    this.#hasFailed = false;
    this.#lastDueMs = 0;
    if (writes.length === 0) return;
    for (const { cancel } of writes) cancel();
    const fate = this.#world.pick(['lost', 'torn', 'keptUnheard'] as const);
    this.counts[fate] += 1;
    if (fate === 'lost' && writes.length > 1) this.counts.lostSeveral += 1;
    const kept = { lost: 0, torn: writes.length - 1, keptUnheard: this.#world.whole(1, writes.length) }[fate];
    for (const { text } of writes.slice(0, kept)) this.#rows.push(text);
    const half = writes[kept]?.text;
    if (fate === 'torn' && half !== undefined)
      this.#rows.push(half.slice(0, this.#world.whole(1, half.length - 1)));
  }

  /** What a start finds: the torn tail is cut, and the newest whole snapshot that can be read is taken. */
  recover(): Recovered {
    this.#cutTornTail();
    const snapshot = this.shelf.newest();
    return { snapshot, batches: this.batchesAfter(snapshot?.sequence ?? 0) };
  }

  /** Somebody put an older copy of the journal in its place. Answers the batches that it lacks. */
  restoreOlder(batches: number): readonly Batch[] {
    this.#cutTornTail();
    const kept = Math.max(1, this.#rows.length - batches);
    const lost = this.batchesAfter(kept);
    this.#rows.length = kept;
    this.shelf.dropAfter(kept);
    return lost;
  }
  /** Written by a repair while no host runs. */
  repair(batch: Batch): void {
    this.#rows.push(JSON.stringify(batch));
  }

  #nextWrite(): { readonly world: World; readonly delayMs: number } {
    const world = this.#world;
    this.#lastDueMs = Math.max(this.#lastDueMs, world.nowMs) + world.between(0.3, this.slowestMs);
    return { world, delayMs: this.#lastDueMs - world.nowMs };
  }

  #cutTornTail(): void {
    const last = this.#rows.at(-1);
    if (last !== undefined && !isWhole(last)) this.#rows.pop();
  }
}

/** Stands for the row's checksum. */
function isWhole(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

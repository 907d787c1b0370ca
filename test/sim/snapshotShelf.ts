// The snapshots on the journal's disk: written part by part; one that a crash left unfinished is not read, and now and
// then the newest is damaged.
import type { World } from './world.ts';

export interface StoredSnapshot {
  readonly sequence: number;
  readonly parts: string[];
  isWhole: boolean;
}
const snapshotsKept = 2;

export class SnapshotShelf {
  /** A mutant: takes what is there for whole. */
  readsUnfinished = false;
  readonly counts = { snapshots: 0, unfinished: 0, damaged: 0 };
  #stored: StoredSnapshot[] = [];
  readonly #world: World;
  readonly #lastRow: () => number;
  #life = 0;
  readonly #onNext = new Map<'snapshot' | 'snapshotEnd', () => void>();

  constructor(world: World, lastRow: () => number) {
    this.#world = world;
    this.#lastRow = lastRow;
  }

  whole(): readonly StoredSnapshot[] {
    return this.#stored.filter(({ isWhole }) => isWhole);
  }

  /** While the next snapshot is made, or soon after it counts: where a crash hurts most. */
  aroundNext(where: 'snapshot' | 'snapshotEnd', run: () => void): void {
    this.#onNext.set(where, run);
  }

  begin(sequence: number): StoredSnapshot {
    this.#strike('snapshot', 60);
    const snapshot: StoredSnapshot = { sequence, parts: [], isWhole: false };
    this.#stored.push(snapshot);
    return snapshot;
  }
  /** The last part was written. It counts once the batches that it holds are durable as well. */
  finish(snapshot: StoredSnapshot, done: () => void): void {
    const life = this.#life;
    this.#world.after(this.#world.between(0.5, 20), () => {
      if (life !== this.#life) return;
      if (this.#lastRow() < snapshot.sequence) {
        this.finish(snapshot, done);
        return;
      }
      snapshot.isWhole = true;
      this.counts.snapshots += 1;
      this.#strike('snapshotEnd', 10);
      done();
    });
  }

  crash(): void {
    this.#life += 1;
    if (this.#stored.at(-1)?.isWhole === false) this.counts.unfinished += 1;
    if (!this.readsUnfinished) this.#stored = [...this.whole()];
  }
  dropAfter(sequence: number): void {
    this.#stored = this.#stored.filter((snapshot) => snapshot.sequence <= sequence);
  }

  #strike(where: 'snapshot' | 'snapshotEnd', withinMs: number): void {
    const run = this.#onNext.get(where);
    this.#onNext.delete(where);
    if (run) this.#world.after(this.#world.between(0, withinMs), run);
  }

  newest(): StoredSnapshot | undefined {
    if (this.readsUnfinished) return this.#stored.at(-1);
    const kept = this.whole().slice(-snapshotsKept);
    if (kept.length < 2 || !this.#world.chance(0.2)) return kept.at(-1);
    this.counts.damaged += 1;
    return kept[0];
  }
}

// The journal's disk: a batch is durable after a delay; a crash loses, tears or keeps the one under way; a full disk
// refuses. Batches and snapshots are kept as text, so nothing in memory can change what was written.
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { World } from './world.ts';

interface Snapshot {
  readonly sequence: number;
  readonly text: string;
}
interface Write {
  readonly text: string;
  readonly cancel: () => void;
}
export interface Recovered {
  readonly snapshot: Snapshot | undefined;
  /** Batches after the snapshot. */
  readonly batches: readonly Batch[];
}

const snapshotsKept = 2;

export class FakeDisk {
  isFull = false;
  /** Longest write under way; raised by a fault. */
  slowestMs = 4;
  /** A mutant: says durable first, writes later. */
  isLying = false;
  readonly counts = { lost: 0, torn: 0, keptUnheard: 0, full: 0, snapshots: 0 };
  readonly #rows: string[] = [];
  readonly #snapshots: Snapshot[] = [];
  readonly #world: World;
  #write: Write | undefined;
  #snapshotWrite: (() => void) | undefined;
  #onWrite: (() => void) | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Durable batches after this one, oldest first, as they are read back. */
  batchesAfter(sequence: number): readonly Batch[] {
    return this.#rows.slice(sequence).map((text) => JSON.parse(text) as Batch);
  }
  snapshots(): readonly Snapshot[] {
    return this.#snapshots;
  }

  append(batch: Batch, done: () => void, fail: () => void): void {
    const text = JSON.stringify(batch);
    const delayMs = this.#world.between(0.3, this.slowestMs);
    if (this.isFull) {
      this.counts.full += 1;
      this.#world.after(delayMs, fail);
      return;
    }
    const finish = (): void => {
      this.#write = undefined;
      this.#rows.push(text);
      this.#world.note(text);
      if (!this.isLying) done();
    };
    this.#write = { text, cancel: this.#world.after(delayMs + (this.isLying ? 40 : 0), finish) };
    if (this.isLying) this.#world.after(delayMs, done);
    const onWrite = this.#onWrite;
    this.#onWrite = undefined;
    if (onWrite) this.#world.after(delayMs * this.#world.random.next(), onWrite);
  }

  /** Somewhere within the next write: where a crash hurts most. */
  duringNextWrite(run: () => void): void {
    this.#onWrite = run;
  }

  snapshot(sequence: number, text: string): void {
    this.#snapshotWrite = this.#world.after(this.#world.between(5, 400), () => {
      this.#snapshots.push({ sequence, text });
      this.counts.snapshots += 1;
    });
  }

  /** The machine stops: the write under way is not there, half there, or there with nobody told. */
  crash(): void {
    this.#snapshotWrite?.();
    const write = this.#write;
    this.#write = undefined;
    if (!write) return;
    write.cancel();
    const fate = this.#world.pick(['lost', 'torn', 'keptUnheard'] as const);
    this.counts[fate] += 1;
    if (fate === 'torn') this.#rows.push(write.text.slice(0, this.#world.whole(1, write.text.length - 1)));
    if (fate === 'keptUnheard') this.#rows.push(write.text);
  }

  /** What a start finds: the torn tail is cut, and now and then the newest snapshot is unreadable. */
  recover(): Recovered {
    const last = this.#rows.at(-1);
    if (last !== undefined && !isWhole(last)) this.#rows.pop();
    const kept = this.#snapshots.slice(-snapshotsKept);
    const snapshot = kept.length > 1 && this.#world.chance(0.2) ? kept[0] : kept.at(-1);
    const from = snapshot?.sequence ?? 0;
    return { snapshot, batches: this.batchesAfter(from) };
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

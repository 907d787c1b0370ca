// Sums of one step's samples, by row: mean and maximum at its end. Bytes for nodes, floats for queues.
import { noData } from '../protocol/fleetFrames.ts';

/** Mean and maximum per row, as stored. */
export interface Block {
  readonly mean: Uint8Array;
  readonly max: Uint8Array;
}

/** Bytes as in a frame; `noData` counts as nothing. */
export class ByteSums {
  #sum = new Uint32Array(0);
  #count = new Uint32Array(0);
  #max = new Uint8Array(0);

  add(bytes: Uint8Array): void {
    this.#fit(bytes.length);
    for (let row = 0; row < bytes.length; row += 1) {
      const byte = bytes[row] ?? noData;
      if (byte === noData) continue;
      this.#sum[row] = (this.#sum[row] ?? 0) + byte;
      this.#count[row] = (this.#count[row] ?? 0) + 1;
      if (byte > (this.#max[row] ?? 0)) this.#max[row] = byte;
    }
  }

  /** Somebody else sits there from now on. */
  forget(row: number): void {
    if (row >= this.#sum.length) return;
    this.#sum[row] = this.#count[row] = this.#max[row] = 0;
  }

  /** What has been added since the last `clear`. */
  block(): Block {
    const mean = new Uint8Array(this.#sum.length).fill(noData);
    const max = new Uint8Array(this.#sum.length).fill(noData);
    for (let row = 0; row < mean.length; row += 1) {
      const count = this.#count[row] ?? 0;
      if (count === 0) continue;
      mean[row] = Math.round((this.#sum[row] ?? 0) / count);
      max[row] = this.#max[row] ?? 0;
    }
    return { mean, max };
  }

  clear(): void {
    this.#sum.fill(0);
    this.#count.fill(0);
    this.#max.fill(0);
  }

  #fit(rows: number): void {
    if (rows <= this.#sum.length) return;
    const grow = <Sums extends Uint32Array | Uint8Array>(old: Sums, next: Sums): Sums => {
      next.set(old);
      return next;
    };
    this.#sum = grow(this.#sum, new Uint32Array(rows));
    this.#count = grow(this.#count, new Uint32Array(rows));
    this.#max = grow(this.#max, new Uint8Array(rows));
  }
}

/** Few rows: queues. NaN is nothing. Stored as 32-bit floats. */
export class FloatSums {
  #rows: { sum: number; count: number; max: number }[] = [];

  add(row: number, value: number): void {
    for (let missing = this.#rows.length; missing <= row; missing += 1)
      this.#rows.push({ sum: 0, count: 0, max: 0 });
    const sums = this.#rows[row];
    if (!sums || Number.isNaN(value)) return;
    sums.sum += value;
    sums.count += 1;
    sums.max = Math.max(sums.max, value);
  }

  block(): Block {
    const rows = this.#rows;
    const mean = Float32Array.from(rows, ({ sum, count }) => (count === 0 ? Number.NaN : sum / count));
    const max = Float32Array.from(rows, (row) => (row.count === 0 ? Number.NaN : row.max));
    return { mean: bytesOf(mean), max: bytesOf(max) };
  }

  clear(): void {
    this.#rows = [];
  }
}

const bytesOf = (floats: Float32Array): Uint8Array =>
  new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength);
/** SQLite gives bytes at any offset; floats need one that 4 divides. */
export const floatsOf = (bytes: Uint8Array): Float32Array => new Float32Array(bytes.slice().buffer);

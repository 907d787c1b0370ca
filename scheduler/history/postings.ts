// Which tasks of one segment have a key: a set of places, as bits in memory and as the shortest of three forms on disk.

/** Tasks of one segment, by the low bits of their ids: 100,000,000 tasks are 6,104 segments, a look-up each. */
export const segmentSize = 16_384;
export const segmentOf = (taskId: number): number => Math.floor(taskId / segmentSize);
const words = segmentSize / 32;

/** A set of places in a segment. */
export class Places {
  readonly #bits = new Uint32Array(words);

  add(place: number): void {
    const at = place >>> 5;
    this.#bits[at] = (this.#bits[at] ?? 0) | (1 << (place & 31));
  }
  drop(place: number): void {
    const at = place >>> 5;
    this.#bits[at] = (this.#bits[at] ?? 0) & ~(1 << (place & 31));
  }
  keepAlso(other: Places): void {
    for (let at = 0; at < words; at += 1) this.#bits[at] = (this.#bits[at] ?? 0) & (other.#bits[at] ?? 0);
  }
  addAll(other: Places): void {
    for (let at = 0; at < words; at += 1) this.#bits[at] = (this.#bits[at] ?? 0) | (other.#bits[at] ?? 0);
  }
  remove(other: Places): void {
    for (let at = 0; at < words; at += 1) this.#bits[at] = (this.#bits[at] ?? 0) & ~(other.#bits[at] ?? 0);
  }
  count(): number {
    let sum = 0;
    for (let at = 0; at < words; at += 1) sum += ones(this.#bits[at] ?? 0);
    return sum;
  }
  /** Largest first, from below `before` on. */
  *downFrom(before: number): Generator<number> {
    for (let at = Math.min(words - 1, before >>> 5); at >= 0; at -= 1) {
      let word = this.#bits[at] ?? 0;
      while (word !== 0) {
        const bit = 31 - Math.clz32(word);
        word &= ~(1 << bit);
        const place = at * 32 + bit;
        if (place < before) yield place;
      }
    }
  }
  fill(): this {
    this.#bits.fill(0xffffffff);
    return this;
  }
  bytes(): Uint8Array {
    return new Uint8Array(this.#bits.buffer);
  }
}

function ones(word: number): number {
  let sum = word - ((word >>> 1) & 0x55555555);
  sum = (sum & 0x33333333) + ((sum >>> 2) & 0x33333333);
  return Math.imul((sum + (sum >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Every place of a segment: what the set of its tasks is stored against. */
export const everyPlace: readonly number[] = Array.from({ length: segmentSize }, (_, place) => place);

/** First byte of a stored set: its places; all bits; the places that are there and not in it. */
const form = { places: 0, bits: 1, others: 2 } as const;

/** `sorted`: ascending. `present`: all places that are taken, ascending. */
export function encodePlaces(sorted: readonly number[], present: readonly number[]): Uint8Array {
  const others = sorted.length * 2 > present.length ? without(present, sorted) : undefined;
  const packed = others ? pack(form.others, others) : pack(form.places, sorted);
  const bitBytes = words * 4;
  if (packed.length <= bitBytes) return packed;
  const places = new Places();
  for (const place of sorted) places.add(place);
  const bytes = new Uint8Array(bitBytes + 1);
  bytes[0] = form.bits;
  bytes.set(places.bytes(), 1);
  return bytes;
}

/** Both ascending. */
function without(present: readonly number[], sorted: readonly number[]): number[] {
  let next = 0;
  return present.filter((place) => {
    if (sorted[next] !== place) return true;
    next += 1;
    return false;
  });
}

/** Differences: one byte up to 127, else two. */
function pack(first: number, sorted: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(1 + sorted.length * 2);
  bytes[0] = first;
  let end = 1;
  let last = -1;
  for (const place of sorted) {
    const step = place - last - 1;
    last = place;
    if (step >= 0x80) {
      bytes[end] = 0x80 | (step >>> 8);
      end += 1;
    }
    bytes[end] = step & 0xff;
    end += 1;
  }
  return bytes.subarray(0, end);
}

/** `present`, against which it was encoded, is asked for where the set is stored as what is not in it. */
export function decodePlaces(bytes: Uint8Array, present: () => Places): Places {
  const places = new Places();
  if (bytes[0] === form.bits) {
    places.bytes().set(bytes.subarray(1));
    return places;
  }
  let place = -1;
  for (let at = 1; at < bytes.length; at += 1) {
    const byte = bytes[at] ?? 0;
    if (byte < 0x80) place += byte + 1;
    else {
      at += 1;
      place += ((byte & 0x7f) << 8) + (bytes[at] ?? 0) + 1;
    }
    places.add(place);
  }
  if (bytes[0] !== form.others) return places;
  const all = new Places();
  all.addAll(present());
  all.remove(places);
  return all;
}

// A short value that is equal for equal journalled state: how a replay, another life or another engine is compared.
import { savedHead, savedNodes, savedTask } from './savedState.ts';
import { tableParts } from './savedTables.ts';
import type { SchedulerState } from './schedulerState.ts';

/** 53-bit hash (cyrb53, by bryc, public domain) of the state in one canonical text, hexadecimal. Not for security. */
export function digestOf(state: SchedulerState): string {
  const hash = new Hash();
  for (const piece of canonicalPieces(state)) hash.add(piece);
  return hash.value();
}

/** Pieces, since the text of a full table is longer than one string may be. */
function* canonicalPieces(state: SchedulerState): Generator<string> {
  const nodes = [...savedNodes(state)].sort((a, b) => (a.id < b.id ? -1 : 1));
  const nodeKeys = [...state.nodeKeys].sort(([a], [b]) => (a < b ? -1 : 1));
  const head = JSON.stringify({ version: 1, ...savedHead(state), nodes, nodeKeys });
  yield head.slice(0, -1);
  yield ',"tasks":[';
  let mark = '';
  for (const task of [...state.tasks.all()].sort((a, b) => a.taskId - b.taskId)) {
    yield `${mark}${JSON.stringify(savedTask(task))}`;
    mark = ',';
  }
  // Sorted: format 1 of the snapshot did not keep in which order their tasks ended.
  const keys = [...state.tasks.endedKeys()].sort(([a], [b]) => (a < b ? -1 : 1));
  const tables = tableParts(state).map(
    ({ table, rows }) => `,${JSON.stringify(table)}:${JSON.stringify(rows)}`,
  );
  yield `],"keys":${JSON.stringify(keys)}${tables.join('')}}`;
}

class Hash {
  #h1 = 0xdeadbeef;
  #h2 = 0x41c6ce57;

  add(text: string): void {
    let h1 = this.#h1;
    let h2 = this.#h2;
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      h1 = Math.imul(h1 ^ code, 2_654_435_761);
      h2 = Math.imul(h2 ^ code, 1_597_334_677);
    }
    this.#h1 = h1;
    this.#h2 = h2;
  }

  value(): string {
    const [a, b] = [this.#h1, this.#h2];
    const h1 = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909);
    const h2 = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(h1 ^ (h1 >>> 13), 3_266_489_909);
    return (4_294_967_296 * (2_097_151 & h2) + (h1 >>> 0)).toString(16);
  }
}

// What nodes failed of late, kept for those alone that failed something: who fails what others run? Soft state: a
// restart begins with clean books.
import type { NodeIndex, TaskId } from '../../protocol/brands.ts';
import { blamedTasksMin } from '../../protocol/limits.ts';
import { type LikeKey, Likes } from './likes.ts';

/** Failures and successes older than this say nothing of the node now. */
export const blameWindowMs = 600_000;
/** By node: enough for a verdict, and about 2 kB. */
const keptPerNode = 4 * blamedTasksMin;
/** Books at a time: a tenth of the largest plant. Past it the oldest is closed. */
const booksMax = 5_000;

interface Failure {
  readonly taskId: TaskId;
  readonly like: LikeKey;
  readonly atMs: number;
  /** The very task ran elsewhere since. */
  isProven: boolean;
}
interface Book {
  failures: Failure[];
  successesMs: number[];
}

export class NodeBlame {
  readonly likes = new Likes();
  readonly #books = new Map<NodeIndex, Book>();

  failed(node: NodeIndex, failure: Omit<Failure, 'isProven'>): void {
    const book = this.#books.get(node) ?? this.#open(node);
    // One task that fails again and again is one failure.
    book.failures = book.failures.filter(({ taskId }) => taskId !== failure.taskId).slice(1 - keptPerNode);
    book.failures.push({ ...failure, isProven: false });
  }

  succeeded(node: NodeIndex, like: LikeKey, { atMs, runMs }: { atMs: number; runMs: number }): void {
    this.likes.succeeded(like, { node, atMs }, runMs);
    const book = this.#books.get(node);
    if (!book) return;
    book.successesMs.push(atMs);
    if (book.successesMs.length > keptPerNode) book.successesMs.shift();
  }

  /** This task failed there and has succeeded on another node. */
  prove(node: NodeIndex, taskId: TaskId): void {
    const failure = this.#books.get(node)?.failures.find((one) => one.taskId === taskId);
    if (failure) failure.isProven = true;
  }

  /** How many different tasks it failed that others ran, where that is enough for a verdict; 0 otherwise. */
  verdict(node: NodeIndex, nowMs: number): number {
    const book = this.#books.get(node);
    if (!book || book.failures.length < blamedTasksMin) return 0;
    const sinceMs = nowMs - blameWindowMs;
    const blamed = book.failures.filter(
      ({ like, atMs, isProven }) =>
        atMs >= sinceMs && (isProven || this.likes.ranElsewhere(like, node, sinceMs)),
    ).length;
    const succeeded = book.successesMs.filter((atMs) => atMs >= sinceMs).length;
    return blamed >= blamedTasksMin && blamed > succeeded ? blamed : 0;
  }

  /** It was set aside, or is another node now: nothing is held against it any more. */
  close(node: NodeIndex): void {
    this.#books.delete(node);
  }

  #open(node: NodeIndex): Book {
    const book: Book = { failures: [], successesMs: [] };
    this.#books.set(node, book);
    if (this.#books.size > booksMax)
      for (const oldest of this.#books.keys()) {
        this.#books.delete(oldest);
        break;
      }
    return book;
  }
}

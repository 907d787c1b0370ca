// Tasks that are alike (same queue, kind and name): where they succeeded of late and how long they ran. Soft state: a
// restart begins without it, and until it is there again nobody is blamed.
import type { NodeIndex } from '../../protocol/brands.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { workName } from '../../protocol/work.ts';

export type LikeKey = string;
/** About 400 B each. Past it the one that has not ended for longest is forgotten. */
const likesMax = 8_192;
/** Runs that a median is taken of, and the least that make one. */
const runsKept = 31;
const runsLeast = 8;

interface Success {
  readonly node: NodeIndex;
  readonly atMs: number;
}
interface Like {
  /** How long the newest ones ran. */
  readonly runsMs: number[];
  /** The newest success, and the newest on another node than that. */
  last: Success;
  elsewhere: Success | undefined;
}

/** Tasks without a name are alike where they run the same program. */
export function likeOf({ queue, name, work }: TaskSpec): LikeKey {
  const called = name !== '' ? name : workName(work);
  return `${queue}\n${work.kind}\n${called}`;
}

export class Likes {
  /** The one that ended last is at the end. */
  readonly #likes = new Map<LikeKey, Like>();

  succeeded(key: LikeKey, success: Success, runMs: number): void {
    const known = this.#likes.get(key);
    if (!known) {
      this.#likes.set(key, { last: success, elsewhere: undefined, runsMs: [runMs] });
      this.#forgetOldest();
      return;
    }
    if (known.last.node !== success.node) known.elsewhere = known.last;
    known.last = success;
    known.runsMs.push(runMs);
    if (known.runsMs.length > runsKept) known.runsMs.shift();
    this.#likes.delete(key);
    this.#likes.set(key, known);
  }

  /** Has one of them succeeded on another node since then? O(1). */
  ranElsewhere(key: LikeKey, node: NodeIndex, sinceMs: number): boolean {
    const known = this.#likes.get(key);
    if (!known) return false;
    const other = known.last.node === node ? known.elsewhere : known.last;
    return other !== undefined && other.atMs >= sinceMs;
  }

  /** Median of how long the newest of them ran, where there are enough to say. O(runs kept). */
  medianMs(key: LikeKey): number | undefined {
    const runsMs = this.#likes.get(key)?.runsMs ?? [];
    if (runsMs.length < runsLeast) return undefined;
    return [...runsMs].sort((a, b) => a - b)[runsMs.length >> 1];
  }

  #forgetOldest(): void {
    if (this.#likes.size <= likesMax) return;
    for (const oldest of this.#likes.keys()) {
      this.#likes.delete(oldest);
      break;
    }
  }
}

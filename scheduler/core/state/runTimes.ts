// How long tasks really run, learned from those that succeeded: by kind, what part of the expected time they took, and
// by queue, whether what is expected can be trusted. Journalled by `attempt_ended.learnMs`; bounded.
import type { QueueName } from '../../protocol/brands.ts';
import { runKindsMax } from '../../protocol/limits.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { runBoundOf, runLengthOf } from './classTable.ts';
import { workName } from '../../protocol/work.ts';

/** Runs of a kind that are remembered, and the least that say something. */
const runsKept = 15;
const runsLeast = 5;
/** One run in five may last longer than what is taken for the kind: a time that all keep is far off for most. */
const upperQuantile = 0.8;
/** A kind whose upper and lower runs differ by more is none: what its tasks expect of themselves says more. */
const spreadMax = 2;
/** A run was as expected where it took at least half of that time, and no more than twice. */
const nearFactor = 2;
/** Lengths below are all the same: who waits does not feel the difference. */
const shortestMs = 10_000;
/** Weight of a run in what a queue's expectations are worth: the last hundred or so count. */
const newestWeight = 1 / 64;
/** Expectations of a queue are trusted while so many of its runs are as expected. */
const trustLeast = 0.7;
/** Kept to so many digits: more would be noise, and the snapshot's to carry. */
const digits = 4;

/** Same queue, tenant and name, and about the same expected time. Digits in a name count runs. */
type RunKind = string;

interface Kind {
  /** Run time as a part of the expected time, of the newest runs. */
  readonly parts: number[];
  /** What is learned of them; undefined while they are too few or too unlike. */
  part: number | undefined;
}
export interface SavedKind {
  readonly kind: RunKind;
  readonly parts: readonly number[];
}

/** Undefined for a task of no kind: it has no name and runs no program. */
function kindOf(spec: TaskSpec): RunKind | undefined {
  const { queue, tenant, name, work } = spec;
  const called = name !== '' ? name : workName(work);
  if (called === '') return undefined;
  return [queue, tenant, work.kind, called.replaceAll(/\d+/g, '#'), runBoundOf(spec)].join('\n');
}

export class RunTimes {
  /** The one that ended last is at the end. */
  readonly #kinds = new Map<RunKind, Kind>();
  /** Share of the newest runs that were as expected, for queues where not all were. */
  readonly #near = new Map<QueueName, number>();
  /** The least part that was ever learned: nothing is taken to be shorter. Soft state. */
  #leastPart = 1;

  get leastPart(): number {
    return this.#leastPart;
  }

  /** How long an attempt should run: as its like did, else as its task expects, else its timeout. ms, O(1). */
  lengthOf(spec: TaskSpec): number {
    const declaredMs = runLengthOf(spec);
    if (this.#kinds.size === 0) return declaredMs;
    const kind = kindOf(spec);
    const part = kind === undefined ? undefined : this.#kinds.get(kind)?.part;
    if (part === undefined) return declaredMs;
    return Math.min(spec.timeoutMs, Math.max(1, Math.round(declaredMs * part)));
  }

  /** Are tasks of this queue about as long as expected? Yes, where nothing is known. */
  isTrusted(queue: QueueName): boolean {
    return (this.#near.get(queue) ?? 1) >= trustLeast;
  }

  /** An attempt succeeded after so long. O(runs kept). */
  learn(spec: TaskSpec, tookMs: number): void {
    this.#judge(spec, tookMs);
    const kind = kindOf(spec);
    if (kind === undefined) return;
    const parts = this.#kinds.get(kind)?.parts ?? [];
    parts.push(Number((tookMs / runLengthOf(spec)).toPrecision(digits)));
    if (parts.length > runsKept) parts.shift();
    this.#kinds.delete(kind);
    this.#put(kind, parts);
  }

  /** Of queues that are gone nothing is known. */
  forget(queue: QueueName): void {
    this.#near.delete(queue);
  }

  savedKinds(): readonly SavedKind[] {
    return [...this.#kinds].map(([kind, { parts }]) => ({ kind, parts: [...parts] }));
  }
  savedNear(): readonly (readonly [QueueName, number])[] {
    return [...this.#near].sort(([a], [b]) => (a < b ? -1 : 1));
  }
  restoreKind({ kind, parts }: SavedKind): void {
    this.#put(kind, [...parts]);
  }
  restoreNear([queue, near]: readonly [QueueName, number]): void {
    this.#near.set(queue, near);
  }

  #judge(spec: TaskSpec, tookMs: number): void {
    const took = Math.max(shortestMs, tookMs);
    const expected = Math.max(shortestMs, this.lengthOf(spec));
    const isNear = took * nearFactor >= expected && took <= expected * nearFactor;
    const near = this.#near.get(spec.queue) ?? 1;
    if (isNear && near === 1) return;
    this.#near.set(spec.queue, near + ((isNear ? 1 : 0) - near) * newestWeight);
  }

  #put(kind: RunKind, parts: number[]): void {
    const part = learnedOf(parts);
    this.#kinds.set(kind, { parts, part });
    this.#leastPart = Math.min(this.#leastPart, part ?? 1);
    if (this.#kinds.size <= runKindsMax) return;
    const [oldest] = this.#kinds.keys();
    if (oldest !== undefined) this.#kinds.delete(oldest);
  }
}

function learnedOf(parts: readonly number[]): number | undefined {
  if (parts.length < runsLeast) return undefined;
  const sorted = [...parts].sort((a, b) => a - b);
  const upper = sorted[Math.floor(upperQuantile * sorted.length)] ?? 1;
  const lower = sorted[Math.floor((1 - upperQuantile) * sorted.length)] ?? 1;
  return upper <= spreadMax * lower ? upper : undefined;
}

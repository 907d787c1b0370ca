// Arrays that have not ended: a row each. Elements become tasks only when they get into line, so that a million of them
// cost two numbers until then.
import { type Ms, type TaskId, taskId } from '../../protocol/brands.ts';
import type { EndState, TaskGroupRef, TaskRecord, TaskSpec } from '../../protocol/task.ts';
import type { AskClass } from './classTable.ts';
import { type Members, placedOf } from './groupMembers.ts';

export interface ArrayRow {
  readonly groupId: TaskId;
  /** As submitted. */
  readonly spec: TaskSpec;
  /** The spec of every element: one object, which they share. */
  readonly element: TaskSpec;
  readonly size: number;
  readonly submitter: string;
  readonly submittedAtMs: Ms;
  /** Used by the array itself too, so that its elements always find room in the table of classes. */
  readonly askClass: AskClass;
  /** Index of the next element that gets into line. All before it have, or have ended without. */
  next: number;
  readonly ended: Record<EndState | 'unknown', number>;
  cancelReason: string | undefined;
  /** Elements from `next` on that ended in a part of the journal that was lost. */
  readonly gone: Set<number>;
}
export type ArrayOrigin = Pick<ArrayRow, 'groupId' | 'spec' | 'submitter' | 'submittedAtMs' | 'askClass'>;

export class ArrayTable {
  readonly #rows = new Map<TaskId, ArrayRow>();

  get size(): number {
    return this.#rows.size;
  }
  all(): IterableIterator<ArrayRow> {
    return this.#rows.values();
  }
  get(groupId: TaskId): ArrayRow | undefined {
    return this.#rows.get(groupId);
  }
  mustGet(groupId: TaskId): ArrayRow {
    const row = this.#rows.get(groupId);
    if (!row) throw new Error(`array ${String(groupId)} is not live`);
    return row;
  }
  of(group: TaskGroupRef | undefined): ArrayRow | undefined {
    return group?.kind === 'array' ? this.#rows.get(group.groupId) : undefined;
  }
  add(origin: ArrayOrigin): ArrayRow {
    const row: ArrayRow = {
      ...origin,
      element: elementSpec(origin.spec),
      size: origin.spec.array?.count ?? 0,
      next: 0,
      ended: { succeeded: 0, dead_letter: 0, cancelled: 0, unknown: 0 },
      cancelReason: undefined,
      gone: new Set(),
    };
    this.#rows.set(row.groupId, row);
    return row;
  }
  remove(groupId: TaskId): void {
    this.#rows.delete(groupId);
  }

  /** The array and index of an element that has not begun. O(arrays). */
  unbegun(id: TaskId): { readonly row: ArrayRow; readonly index: number } | undefined {
    for (const row of this.#rows.values()) {
      const index = id - row.groupId - 1;
      if (index >= row.next && index < row.size) return { row, index };
    }
    return undefined;
  }
}

function elementSpec(spec: TaskSpec): TaskSpec {
  const element = { ...spec };
  delete element.array;
  delete element.key;
  return element;
}

export const elementIdOf = ({ groupId }: ArrayRow, index: number): TaskId => taskId(groupId + 1 + index);
export const elementRef = ({ groupId, size }: ArrayRow, index: number): TaskGroupRef => ({
  kind: 'array',
  groupId,
  index,
  size,
});

/** How many more of its elements may be in line or running. */
export function roomIn(row: ArrayRow, members: Members): number {
  const runningMax = row.spec.array?.runningMax ?? Number.POSITIVE_INFINITY;
  return runningMax - placedOf(members) - members.counts.ready;
}

/** An element that cannot begin: it has ended already. */
export function skipElement(row: ArrayRow, index: number): void {
  row.gone.add(index);
  passGone(row);
}
/** Moves `next` past those that are gone. */
export function passGone(row: ArrayRow): void {
  while (row.gone.delete(row.next)) {
    row.next += 1;
    row.ended.unknown += 1;
  }
}
/** All that have not begun have ended with this. */
export function endUnbegun(row: ArrayRow): void {
  row.ended.unknown += row.gone.size;
  row.ended.cancelled += row.size - row.next - row.gone.size;
  row.gone.clear();
  row.next = row.size;
}

/** The array itself as history and windows know it. Its elements have records of their own. */
export function arrayRecordOf(
  row: ArrayRow,
  ended?: { readonly state: EndState; readonly atMs: Ms; readonly reason: string },
): TaskRecord {
  const { groupId: taskId, spec, submitter, submittedAtMs } = row;
  const base = { taskId, spec, submitter, submittedAtMs, attempts: [] };
  if (ended) return { ...base, state: ended.state, endedAtMs: ended.atMs, reason: ended.reason };
  if (row.cancelReason !== undefined) return { ...base, state: 'cancelling' };
  return { ...base, state: row.next === 0 ? 'held' : 'running' };
}

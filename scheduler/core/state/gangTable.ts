// Gangs that live: tasks that start together or not at all, and end together. Who is a member the tasks say themselves;
// what is kept here beside them is which member has broken the attempt that is being stopped.
import type { TaskId } from '../../protocol/brands.ts';
import type { Task } from './taskTable.ts';

export interface Gang {
  readonly groupId: TaskId;
  /** By index. All of them, between batches: they come and go together. */
  readonly members: Task[];
  /** Members with a live attempt. */
  active: number;
  /** The first member whose attempt ended badly: all others are being stopped. */
  brokenBy: TaskId | undefined;
}

export class GangTable {
  readonly #gangs = new Map<TaskId, Gang>();

  all(): IterableIterator<Gang> {
    return this.#gangs.values();
  }
  get(groupId: TaskId): Gang | undefined {
    return this.#gangs.get(groupId);
  }
  mustGet(groupId: TaskId): Gang {
    const gang = this.#gangs.get(groupId);
    if (!gang) throw new Error(`gang ${String(groupId)} is not live`);
    return gang;
  }
  /** The gang that the task is a member of, if it is one. */
  of({ group }: Task): Gang | undefined {
    return group?.kind === 'gang' ? this.#gangs.get(group.groupId) : undefined;
  }

  add(task: Task): void {
    const { group } = task;
    if (group?.kind !== 'gang') return;
    const gang = this.#made(group.groupId);
    gang.members[group.index] = task;
    if (task.live) gang.active += 1;
  }
  remove({ group }: Task): void {
    const gang = group && this.#gangs.get(group.groupId);
    // The first that goes takes the entry along: the others follow in the same batch.
    if (gang) this.#gangs.delete(gang.groupId);
  }
  /** Before its members are there. */
  restore(groupId: TaskId, brokenBy: TaskId): void {
    this.#made(groupId).brokenBy = brokenBy;
  }

  #made(groupId: TaskId): Gang {
    let gang = this.#gangs.get(groupId);
    if (!gang) this.#gangs.set(groupId, (gang = { groupId, members: [], active: 0, brokenBy: undefined }));
    return gang;
  }
}

/** The member that stands in line for all. */
export function leaderOf({ members, groupId }: Gang): Task {
  const [leader] = members;
  if (!leader) throw new Error(`gang ${String(groupId)} has no leader`);
  return leader;
}

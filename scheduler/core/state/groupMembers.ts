// Live tasks of each group, and how many are in which state: worked out from the task table as it changes, so that it
// leaves no trace of its own.
import type { TaskId } from '../../protocol/brands.ts';
import type { LiveState } from '../../protocol/task.ts';

interface Standing {
  readonly state: LiveState;
}
export interface Members<Member extends Standing = Standing> {
  readonly tasks: ReadonlySet<Member>;
  readonly counts: Readonly<Record<LiveState, number>>;
}
interface Kept<Member extends Standing> {
  readonly tasks: Set<Member>;
  readonly counts: Record<LiveState, number>;
}

export const noTasks = (): Record<LiveState, number> => ({
  ready: 0,
  held: 0,
  backoff: 0,
  dispatched: 0,
  running: 0,
  cancelling: 0,
});
const nobody: Members<never> = { tasks: new Set(), counts: noTasks() };

export class GroupMembers<Member extends Standing> {
  readonly #groups = new Map<TaskId, Kept<Member>>();

  of(groupId: TaskId): Members<Member> {
    return this.#groups.get(groupId) ?? nobody;
  }

  add(groupId: TaskId, task: Member): void {
    let kept = this.#groups.get(groupId);
    if (!kept) this.#groups.set(groupId, (kept = { tasks: new Set(), counts: noTasks() }));
    kept.tasks.add(task);
    kept.counts[task.state] += 1;
  }
  move(groupId: TaskId, from: LiveState, to: LiveState): void {
    const kept = this.#groups.get(groupId);
    if (!kept) return;
    kept.counts[from] -= 1;
    kept.counts[to] += 1;
  }
  remove(groupId: TaskId, task: Member): void {
    const kept = this.#groups.get(groupId);
    if (!kept?.tasks.delete(task)) return;
    kept.counts[task.state] -= 1;
    if (kept.tasks.size === 0) this.#groups.delete(groupId);
  }
}

/** Members that have an attempt. */
export const placedOf = ({ counts }: Members): number =>
  counts.dispatched + counts.running + counts.cancelling;

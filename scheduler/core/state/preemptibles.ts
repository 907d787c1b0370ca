// Which nodes hold attempts that may be stopped for others, by priority. Worked out from the live attempts: nothing of
// it is saved.
import type { NodeIndex } from '../../protocol/brands.ts';
import { preemptionsPerTaskMax, priorityMax } from '../../protocol/limits.ts';
import { preemptionsOf } from './preemptionsOf.ts';
import type { LiveAttempt, Task } from './taskTable.ts';

/** By what it declares alone. A gang ends as a whole; what runs at most once could not go on. */
export const isPreemptible = ({ spec, group }: Task): boolean =>
  spec.isPreemptible === true && spec.delivery === 'at_least_once' && group?.kind !== 'gang';

/** May its attempt be stopped now for a task of this priority? Those are the ones that tasks state, never aged ones. */
export function mayBeStopped(task: Task, forPriority: number): boolean {
  if (!isPreemptible(task) || task.spec.priority >= forPriority) return false;
  if (task.copy || (task.state !== 'running' && task.state !== 'dispatched')) return false;
  return task.live?.preemptedBy === undefined && preemptionsOf(task) < preemptionsPerTaskMax;
}

export class Preemptibles {
  /** Attempts by node, by priority. */
  readonly #nodes = Array.from({ length: priorityMax + 1 }, () => new Map<NodeIndex, number>());
  /** One was placed since this was last set to false. */
  hasNew = false;

  get isEmpty(): boolean {
    return this.#nodes.every(({ size }) => size === 0);
  }
  add(task: Task, { node }: Pick<LiveAttempt, 'node'>): void {
    if (!isPreemptible(task)) return;
    const nodes = this.#nodes[task.spec.priority];
    nodes?.set(node, (nodes.get(node) ?? 0) + 1);
    this.hasNew = true;
  }
  remove(task: Task, { node }: Pick<LiveAttempt, 'node'>): void {
    if (!isPreemptible(task)) return;
    const nodes = this.#nodes[task.spec.priority];
    const count = nodes?.get(node) ?? 0;
    if (count > 1) nodes?.set(node, count - 1);
    else nodes?.delete(node);
  }
  holds(node: NodeIndex): boolean {
    return this.#nodes.some((nodes) => nodes.has(node));
  }
  /** How many there are on each node. For a check against the tasks. */
  countsAt(priority: number): ReadonlyMap<NodeIndex, number> {
    return this.#nodes[priority] ?? new Map<NodeIndex, number>();
  }
  /** Nodes with attempts below this priority, those with the lowest first. A node comes once per priority. */
  *below(priority: number): IterableIterator<NodeIndex> {
    for (let at = 0; at < priority; at += 1) yield* this.#nodes[at]?.keys() ?? [];
  }
}

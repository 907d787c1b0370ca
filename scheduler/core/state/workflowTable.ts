// Workflows: who comes after whom, and how those ended that have. A row stays for a while after its end, for a retry.
import { type Ms, type TaskId, taskId } from '../../protocol/brands.ts';
import { workflowTasksKeptMax } from '../../protocol/workflowLimits.ts';
import type { EndState, TaskGroupRef, TaskSpec } from '../../protocol/task.ts';
import type { DependencyRule, Links } from '../../protocol/workflow.ts';

export type Ended = EndState | 'unknown';
export interface WorkflowMember {
  readonly ref: string;
  /** Places of those that it comes after, and of those that come after it. */
  readonly after: readonly number[];
  readonly dependants: readonly number[];
  readonly when: DependencyRule;
  /** How it ended; undefined while it is live. `unknown`: in a part of the journal that was lost. */
  ended: Ended | undefined;
}
export interface WorkflowRow {
  readonly groupId: TaskId;
  readonly name: string;
  readonly key: string | undefined;
  readonly submitter: string;
  readonly submittedAtMs: Ms;
  readonly members: readonly WorkflowMember[];
  /** Members that have not ended. */
  live: number;
  cancelReason: string | undefined;
  /** Of the member that ended last: whose queue and tenant its record has. Soft state. */
  last: TaskSpec | undefined;
  /** Members whose rule has to be looked at: something that they come after has ended. Soft state. */
  readonly due: Set<number>;
}
export type WorkflowOrigin = Pick<WorkflowRow, 'groupId' | 'name' | 'key' | 'submitter' | 'submittedAtMs'> & {
  readonly tasks: readonly { readonly ref: string; readonly when: DependencyRule }[];
  readonly links: Links;
};

export class WorkflowTable {
  readonly #rows = new Map<TaskId, WorkflowRow>();
  /** Those that have ended, oldest end first. */
  readonly #ended = new Set<WorkflowRow>();
  #endedTasks = 0;
  /** Workflows with due members. Soft state. */
  readonly due = new Set<WorkflowRow>();

  /** That have not ended. */
  get live(): number {
    return this.#rows.size - this.#ended.size;
  }
  all(): IterableIterator<WorkflowRow> {
    return this.#rows.values();
  }
  ended(): IterableIterator<WorkflowRow> {
    return this.#ended.values();
  }
  get(groupId: TaskId): WorkflowRow | undefined {
    return this.#rows.get(groupId);
  }
  mustGet(groupId: TaskId): WorkflowRow {
    const row = this.#rows.get(groupId);
    if (!row) throw new Error(`workflow ${String(groupId)} is not known`);
    return row;
  }
  /** The workflow and place of a member, where it is still known. */
  of(
    group: TaskGroupRef | undefined,
  ): { readonly row: WorkflowRow; readonly member: WorkflowMember } | undefined {
    const row = group?.kind === 'workflow' ? this.#rows.get(group.groupId) : undefined;
    const member = row?.members[group?.index ?? -1];
    return row && member && { row, member };
  }

  add({ tasks, links, ...origin }: WorkflowOrigin): WorkflowRow {
    const dependants: number[][] = links.map(() => []);
    for (const [at, after] of links.entries()) for (const before of after) dependants[before]?.push(at);
    const members = tasks.map(({ ref, when }, at): WorkflowMember => ({
      ref,
      after: links[at] ?? [],
      dependants: dependants[at] ?? [],
      when,
      ended: undefined,
    }));
    const row: WorkflowRow = {
      ...origin,
      members,
      live: members.length,
      cancelReason: undefined,
      last: undefined,
      due: new Set(),
    };
    this.#rows.set(row.groupId, row);
    return row;
  }

  /** A member ended, or (undefined) is live again. */
  setEnded(row: WorkflowRow, at: number, ended: Ended | undefined): void {
    const member = row.members[at];
    if (!member) throw new Error(`workflow ${String(row.groupId)} has no task ${String(at)}`);
    row.live += Number(ended === undefined) - Number(member.ended === undefined);
    member.ended = ended;
    if (ended === undefined) {
      if (this.#ended.delete(row)) this.#endedTasks -= row.members.length;
      row.cancelReason = undefined;
      this.touch(row, at);
    }
    for (const dependant of member.dependants) this.touch(row, dependant);
    this.due.add(row);
  }
  isClosed(row: WorkflowRow): boolean {
    return this.#ended.has(row);
  }
  /** Every member has ended. The oldest such workflows are forgotten. */
  close(row: WorkflowRow): void {
    this.#ended.add(row);
    this.#endedTasks += row.members.length;
    for (const oldest of this.#ended) {
      if (this.#endedTasks <= workflowTasksKeptMax || oldest === row) break;
      this.#ended.delete(oldest);
      this.#endedTasks -= oldest.members.length;
      this.#rows.delete(oldest.groupId);
      this.due.delete(oldest);
    }
  }
  /** After a restart every rule is looked at. */
  touchAll(): void {
    for (const row of this.#rows.values())
      for (const at of row.members.keys()) if (!this.#ended.has(row)) this.touch(row, at);
  }
  /** The rule of this member is to be looked at. */
  touch(row: WorkflowRow, at: number): void {
    row.due.add(at);
    this.due.add(row);
  }
}

export const memberIdOf = ({ groupId }: WorkflowRow, at: number): TaskId => taskId(groupId + 1 + at);
export const memberRef = ({ groupId, members }: WorkflowRow, index: number): TaskGroupRef => ({
  kind: 'workflow',
  groupId,
  index,
  size: members.length,
});

/** Whether a member may start, has to wait, or never can; by its rule and the ends of those before it. */
export function standingOf(
  { members }: WorkflowRow,
  { after, when }: WorkflowMember,
): 'start' | 'wait' | 'never' {
  let open = 0;
  let succeeded = 0;
  for (const at of after) {
    const { ended } = members[at] ?? {};
    if (ended === undefined) open += 1;
    else if (ended === 'succeeded') succeeded += 1;
  }
  if (after.length === 0) return 'start';
  if (when === 'any_success') return succeeded > 0 ? 'start' : open > 0 ? 'wait' : 'never';
  if (when === 'all_success' && succeeded + open < after.length) return 'never';
  return open > 0 ? 'wait' : 'start';
}

// What the journal says of workflows, held against plain rules: nothing starts before those it comes after allow it, and
// each workflow ends.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { WorkflowTask } from '../../scheduler/protocol/workflow.ts';
import type { Report } from './audit.ts';

type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
interface SeenMember {
  readonly task: WorkflowTask;
  readonly workflow: SeenWorkflow;
  /** Its rule was met when it was let go. */
  isFree: boolean;
  ended: 'succeeded' | 'otherwise' | undefined;
}
interface SeenWorkflow {
  readonly groupId: TaskId;
  readonly byRef: Map<string, SeenMember>;
  isOver: boolean;
}

export class WorkflowBooks {
  readonly #members = new Map<TaskId, SeenMember>();
  readonly #workflows: SeenWorkflow[] = [];
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  admitted({ taskId: groupId, workflow: { tasks } }: EventOf<'workflow_admitted'>): void {
    const workflow: SeenWorkflow = { groupId, byRef: new Map(), isOver: false };
    this.#workflows.push(workflow);
    for (const [at, task] of tasks.entries()) {
      const member = { task, workflow, isFree: task.after.length === 0, ended: undefined };
      workflow.byRef.set(task.ref, member);
      this.#members.set((groupId + 1 + at) as TaskId, member);
    }
  }
  released(taskId: TaskId): void {
    const member = this.#members.get(taskId);
    if (!member) return;
    member.isFree = true;
    const { after, when, ref } = member.task;
    const ends = after.map((before) => member.workflow.byRef.get(before)?.ended);
    const isGood = (end: SeenMember['ended']): boolean => end === 'succeeded';
    const isMet =
      when === 'any_success'
        ? ends.some(isGood)
        : ends.every((end) => (when === 'all_success' ? isGood(end) : end !== undefined));
    this.#rule(
      isMet || after.length === 0,
      `${ref} of ${String(member.workflow.groupId)} was let go too early`,
    );
  }
  placed(taskId: TaskId): void {
    const member = this.#members.get(taskId);
    if (member)
      this.#rule(member.isFree, `task ${String(taskId)} was placed while it had to wait for others`);
  }
  ended(taskId: TaskId, hasSucceeded: boolean): void {
    const member = this.#members.get(taskId);
    if (member) member.ended = hasSucceeded ? 'succeeded' : 'otherwise';
  }
  requeued(taskId: TaskId): void {
    const member = this.#members.get(taskId);
    if (!member) return;
    member.ended = undefined;
    member.isFree = false;
    member.workflow.isOver = false;
  }
  over({ groupId, end }: EventOf<'workflow_ended'>): void {
    const workflow = this.#workflows.find((each) => each.groupId === groupId);
    if (!workflow) return;
    workflow.isOver = true;
    const open = [...workflow.byRef.values()].filter(({ ended }) => ended === undefined);
    this.#rule(
      open.length === 0,
      `workflow ${String(groupId)} ended, and ${String(open.length)} tasks have not`,
    );
    // Nobody can tell how those ended that the journal lost.
    if (!end || end.reason.includes('lost')) return;
    const isGood = [...workflow.byRef.values()].every(({ ended }) => ended === 'succeeded');
    this.#rule(
      (end.state === 'succeeded') === isGood,
      `workflow ${String(groupId)} is told to have ${end.state}: ${end.reason}`,
    );
  }

  /** Once all is quiet. */
  finish(): void {
    for (const { groupId, isOver } of this.#workflows)
      this.#rule(isOver, `workflow ${String(groupId)} has not ended`);
  }

  #rule(holds: boolean, message: string): void {
    if (!holds) this.#report('workflow', message);
  }
}

// What callers and agents were told: each promise is held against what a start has back.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { ArrayRow } from '../../scheduler/core/state/arrayTable.ts';
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../../scheduler/protocol/events.ts';
import type { JournalAudit, Report } from './audit.ts';
import type { FakeHistory } from './fakeHistory.ts';

export class Promises {
  readonly #report: Report;
  readonly #keyed = new Map<string, TaskId>();
  readonly #submitted = new Set<TaskId>();
  readonly #acked = new Set<Token>();
  /** Tasks of which the journal lost something: what was told of that part is void. */
  readonly waived = new Set<TaskId>();

  constructor(report: Report) {
    this.#report = report;
  }

  submitAnswered(audit: JournalAudit, taskId: TaskId, key: string | undefined): void {
    const [first = taskId] = audit.gangs.membersOf(taskId) ?? [];
    this.#submitted.add(first);
    if (!audit.tasks.has(first))
      this.#report('durable-submit', `task ${String(taskId)} was promised before it was durable`);
    if (key === undefined) return;
    const known = this.#keyed.get(key) ?? taskId;
    this.#keyed.set(key, known);
    if (known !== taskId)
      this.#report('key', `key ${key} was answered with ${String(known)} and then ${String(taskId)}`);
  }
  resultsAcked(audit: JournalAudit, tokens: readonly Token[]): void {
    for (const token of tokens) {
      this.#acked.add(token);
      if (audit.isLive(token))
        this.#report('durable-result', `result of ${String(token)} was acknowledged before it was durable`);
    }
  }

  /** After a start: nothing promised may be missing, and nothing that is known to have ended may live. */
  recovered({ state: { tasks, arrays } }: Core, history: FakeHistory): void {
    for (const taskId of this.#submitted)
      if (!tasks.get(taskId) && !arrays.get(taskId) && history.endsOf(taskId).length === 0)
        this.#report('durable-submit', `task ${String(taskId)} was promised and is gone`);
    for (const token of this.#acked)
      if (tasks.byToken(token))
        this.#report('durable-result', `result of ${String(token)} was acknowledged and is needed again`);
    for (const { taskId } of [...tasks.all(), ...[...arrays.all()].map(arrayItself)])
      if (history.knowsAsEnded(taskId))
        this.#report('runs-ended', `task ${String(taskId)} lives, and history knows its end`);
  }

  /** The journal lost these acknowledged batches. `audit`: the books that still have them. */
  lost(batches: readonly Batch[], audit: JournalAudit): void {
    for (const event of batches.flatMap(({ events }) => events)) {
      if (event.kind === 'workflow_admitted')
        for (const at of event.workflow.tasks.keys())
          this.#forget((event.taskId + 1 + at) as TaskId, undefined);
      if (event.kind === 'task_admitted' || event.kind === 'array_admitted')
        this.#forget(event.taskId, event.spec.key);
      if ('groupId' in event) this.#lostOfGang(event, audit);
      if (event.kind === 'attempt_ended') this.#acked.delete(event.token);
      if (event.kind === 'task_requeued') this.waived.add(event.record.taskId);
      else if ('taskId' in event) this.waived.add(event.taskId);
      const placed = 'token' in event ? audit.placed.get(event.token) : undefined;
      if (placed) this.waived.add(placed.task.taskId);
    }
  }
  #lostOfGang(event: Extract<Event, { groupId: TaskId }>, audit: JournalAudit): void {
    const members = audit.gangs.membersOf(event.groupId) ?? [];
    for (const member of members) this.waived.add(member);
    if (event.kind === 'gang_admitted') this.#forget(members[0] ?? event.groupId, event.spec.key);
  }
  #forget(taskId: TaskId, key: string | undefined): void {
    this.#submitted.delete(taskId);
    if (key !== undefined) this.#keyed.delete(key);
  }
}

const arrayItself = ({ groupId: taskId }: ArrayRow) => ({ taskId });

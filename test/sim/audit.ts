// Reads the journal as it becomes durable and holds every event against the rules, from its own books: it knows nothing
// of the core's state.
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../../scheduler/protocol/events.ts';
import { platformRetriesMax } from '../../scheduler/protocol/limits.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { ArrayBooks } from './arrayBooks.ts';
import { CopyWatch } from './copyWatch.ts';
import { GuaranteeBooks } from './guaranteeBooks.ts';
import { GangWatch } from './gangWatch.ts';
import { PreemptionBooks } from './preemptionBooks.ts';
import { PlacementBooks } from './placementBooks.ts';
import type { ResultWatch } from './resultWatch.ts';
import { retryBooks } from './retryBooks.ts';
import { ScheduleWatch } from './scheduleWatch.ts';
import { queueKey, tenantKey } from './shareBooks.ts';
import { newlySeen, type SeenTask } from './seenTask.ts';
import { WorkflowBooks } from './workflowBooks.ts';

export type Report = (check: string, message: string) => void;

const jitterShare = 0.25;

export class JournalAudit {
  readonly tasks = new Map<TaskId, SeenTask>();
  /** Token -> where it was placed. Every token that ever became durable. */
  readonly placed = new Map<Token, { readonly nodeId: NodeId; readonly task: SeenTask }>();
  readonly copies: CopyWatch;
  readonly gangs: GangWatch;
  readonly #keys = new Map<string, TaskId>();
  readonly #online = new Set<NodeId>();
  readonly #cordoned = new Set<NodeId>();
  readonly #report: Report;
  readonly #results: ResultWatch | undefined;
  readonly #schedules = new ScheduleWatch(
    (check, message) => {
      this.#report(check, message);
    },
    (taskId) => this.tasks.get(taskId)?.isLive === true,
  );
  readonly #arrays: ArrayBooks;
  readonly #workflows: WorkflowBooks;
  readonly #quotas = new GuaranteeBooks(() => this.tasks.values());
  readonly #preemption: PreemptionBooks;
  readonly #places = new PlacementBooks((...found) => {
    this.#rule(...found);
  });
  #atMs = 0;
  #lastToken = 0;
  #lastTaskId = 0;
  #isShortened = false;

  constructor(report: Report, results?: ResultWatch) {
    this.#report = report;
    this.#results = results;
    this.copies = new CopyWatch(report);
    this.gangs = new GangWatch(report);
    this.#arrays = new ArrayBooks(report);
    this.#workflows = new WorkflowBooks(report);
    this.#preemption = new PreemptionBooks(report, this.#quotas);
  }

  /** The books as of these batches, which were audited before: the journal lost what came after them. */
  shortened(batches: readonly Batch[], report: Report, results: ResultWatch): JournalAudit {
    let isRead = false;
    const shorter = new JournalAudit((check, message) => {
      if (isRead) report(check, message);
    }, results);
    results.isMuted = true;
    for (const batch of batches) shorter.take(batch);
    results.isMuted = false;
    isRead = true;
    shorter.#lastToken = this.#lastToken;
    shorter.#lastTaskId = this.#lastTaskId;
    shorter.#isShortened = true;
    return shorter;
  }

  /** Once all is quiet. */
  finish(): void {
    this.#workflows.finish();
  }

  isLive(token: Token): boolean {
    const task = this.placed.get(token)?.task;
    return task?.live === token || task?.copy === token;
  }

  take(batch: Batch): void {
    this.#rule(
      'time',
      batch.atMs >= this.#atMs,
      `batch ${String(batch.sequence)} is older than the one before`,
    );
    this.#atMs = batch.atMs;
    for (const event of batch.events) this.#event(event);
    this.gangs.take(batch);
  }

  /** What an event of a kind means for the books. One that is not here means nothing to them. */
  readonly #books: { readonly [Kind in Event['kind']]?: (event: Extract<Event, { kind: Kind }>) => void } = {
    task_admitted: ({ taskId, spec }) => {
      this.#takeId(taskId, spec.key);
      this.tasks.set(taskId, newlySeen(taskId, spec));
    },
    gang_admitted: ({ groupId, spec }) => {
      this.#takeId(groupId, spec.key);
      for (let index = 1; index <= (spec.gang?.size ?? 0); index += 1) {
        const taskId = (groupId + index) as TaskId;
        this.#takeId(taskId, undefined);
        this.tasks.set(taskId, newlySeen(taskId, spec));
      }
    },
    workflow_admitted: (event) => {
      this.#newId(event.taskId);
      this.#lastTaskId = event.lastTaskId;
      this.#workflows.admitted(event);
      for (const [at, { spec }] of event.workflow.tasks.entries()) {
        const id = (event.taskId + 1 + at) as TaskId;
        this.tasks.set(id, newlySeen(id, spec));
      }
    },
    task_released: ({ taskId }) => {
      this.#workflows.released(taskId);
    },
    workflow_ended: (event) => {
      this.#workflows.over(event);
    },
    array_admitted: (event) => {
      this.#takeId(event.taskId, event.spec.key);
      this.tasks.set(event.taskId, newlySeen(event.taskId, event.spec));
      this.#lastTaskId = event.lastTaskId;
      this.#arrays.admitted(event);
    },
    array_elements_begun: (event) => {
      for (const { taskId, spec } of this.#arrays.begun(event)) {
        this.#rule('ended-once', !this.tasks.has(taskId), `element ${String(taskId)} was begun twice`);
        this.tasks.set(taskId, newlySeen(taskId, spec));
      }
    },
    array_cancelled: (event) => {
      this.#arrays.cancelled(event);
    },
    array_ended: (event) => {
      const array = this.#mustBeLive(event.taskId, event.kind);
      this.#arrays.ended(event, (taskId) => this.tasks.get(taskId)?.isLive === true);
      if (!array) return;
      array.isLive = false;
      array.ends += 1;
    },
    task_requeued: ({ record }) => {
      this.#requeued(record);
    },
    attempt_placed: (event) => {
      this.#placedOn(event);
    },
    attempt_ended: (event) => {
      this.#attemptEnded(event);
    },
    attempt_preempt_requested: ({ token, by, isReclaim = false }) => {
      const seen = { victim: this.placed.get(token)?.task, by: this.tasks.get(by) };
      this.#preemption.requested(token, { atMs: this.#atMs, isReclaim, ...seen });
    },
    queue_put: ({ queue, settings }) => {
      this.#quotas.put(queueKey({ queue }), settings?.guaranteed);
    },
    queue_removed: ({ queue }) => {
      this.#quotas.put(queueKey({ queue }), undefined);
    },
    tenant_put: ({ tenant, settings }) => {
      this.#quotas.put(tenantKey({ tenant }), settings.guaranteed);
    },
    tenant_removed: ({ tenant }) => {
      this.#quotas.put(tenantKey({ tenant }), undefined);
    },
    attempt_started: ({ token }) => {
      this.#rule('stale', this.isLive(token), `start of ${String(token)}, which is not live`);
    },
    task_backed_off: ({ taskId, kind, untilMs }) => {
      this.#backedOff(this.#mustBeLive(taskId, kind), untilMs - this.#atMs);
    },
    task_cancel_requested: ({ taskId, kind }) => {
      const task = this.#mustBeLive(taskId, kind);
      if (task) task.isCancelAsked = true;
    },
    task_succeeded: ({ taskId, kind }) => {
      this.#ended(this.#mustBeLive(taskId, kind), kind);
    },
    task_dead_lettered: ({ taskId, kind }) => {
      this.#ended(this.#mustBeLive(taskId, kind), kind);
    },
    task_cancelled: ({ taskId, kind }) => {
      this.#ended(this.#mustBeLive(taskId, kind), kind);
    },
    node_joined: ({ nodeId }) => {
      this.#online.add(nodeId);
    },
    node_forgotten: ({ nodeId }) => {
      this.#cordoned.delete(nodeId);
      this.#online.delete(nodeId);
    },
    node_disconnected: ({ nodeId }) => {
      this.#online.delete(nodeId);
    },
    node_lost: ({ nodeId }) => {
      this.#online.delete(nodeId);
    },
    node_cordon_set: ({ nodeId, isCordoned }) => {
      if (isCordoned) this.#cordoned.add(nodeId);
      else this.#cordoned.delete(nodeId);
    },
    node_set_aside: ({ nodeId }) => {
      this.#cordoned.add(nodeId);
    },
    schedule_put: (event) => {
      this.#schedules.put(event);
    },
    schedule_removed: (event) => {
      this.#schedules.removed(event);
    },
    schedule_fired: (event) => {
      this.#schedules.fired(event);
    },
    schedule_skipped: (event) => {
      this.#schedules.skipped(event);
    },
    epoch_started: () => {
      this.#preemption.epochStarted(this.#atMs);
      this.#online.clear();
    },
    journal_repaired: ({ ended }) => {
      for (const taskId of ended) this.#endedByRepair(taskId);
    },
  };

  #event(event: Event): void {
    this.#places.take(event);
    // Typed by kind; the compiler cannot see that both sides of this call have the same one.
    (this.#books[event.kind] as ((event: Event) => void) | undefined)?.(event);
  }

  #takeId(taskId: TaskId, key: string | undefined): void {
    this.#newId(taskId);
    if (key === undefined) return;
    this.#rule('key', !this.#keys.has(key), `key ${key} was admitted twice`);
    this.#keys.set(key, taskId);
  }

  #requeued({ taskId, spec }: TaskRecord): void {
    const known = this.tasks.get(taskId);
    const isGone = this.#isShortened && !known; // all that is left of it is its record in history
    const task = known ?? newlySeen(taskId, spec);
    this.tasks.set(taskId, task);
    this.#rule('ended-once', isGone || known?.isLive === false, `task ${String(taskId)} put back while live`);
    this.#arrays.requeued(taskId);
    this.#workflows.requeued(taskId);
    task.isLive = true;
    task.isCancelAsked = false;
    task.requeues += 1;
    task.attemptEnds = [];
  }

  #placedOn(event: Extract<Event, { kind: 'attempt_placed' }>): void {
    const { taskId, token, nodeId } = event;
    const name = `task ${String(taskId)} token ${String(token)}`;
    this.#rule('ids', token > this.#lastToken, `${name}: tokens must grow`);
    this.#lastToken = token;
    const task = this.#mustBeLive(taskId, 'attempt_placed');
    if (!task) return;
    if (event.isCopy === true) this.copies.placed(task, event, (other) => this.placed.get(other)?.nodeId);
    else this.#rule('one-lease', task.live === undefined, `${name}: ${String(task.live)} is still live`);
    this.#rule('cancel', !task.isCancelAsked, `${name} was placed after it was cancelled`);
    this.#rule('offline', this.#online.has(nodeId), `${name} was placed on ${nodeId}, which is not online`);
    this.#rule('cordon', !this.#cordoned.has(nodeId), `${name} was placed on ${nodeId}, which is closed`);
    if (task.spec.delivery === 'at_most_once')
      this.#rule(
        'at-most-once',
        task.attemptEnds.every(({ reason }) => reason === 'refused'),
        `${name} is tried again`,
      );
    const { notBeforeMs = 0 } = task.spec;
    this.#rule('delayed', notBeforeMs <= this.#atMs, `${name} was placed before its time`);
    const isOpen = (other: NodeId): boolean => this.#online.has(other) && !this.#cordoned.has(other);
    const one = { nodeId, spec: task.spec };
    this.#places.check(token, one, this.#atMs, isOpen);
    if (event.isCopy === true) task.copy = token;
    else {
      this.#arrays.placed(taskId);
      this.#workflows.placed(taskId);
      this.#places.begin(token, one);
      task.live = token;
    }
    task.newest = token;
    this.placed.set(token, { nodeId, task });
  }

  #attemptEnded(event: Extract<Event, { kind: 'attempt_ended' }>): void {
    const { token, end } = event;
    const placed = this.placed.get(token);
    this.#rule('stale', this.isLive(token), `end of ${String(token)}, which is not live`);
    if (!placed) return;
    const { task } = placed;
    if (task.live === token) {
      task.live = task.copy;
      this.#goOn(task);
    }
    task.copy = undefined;
    this.copies.ended(task, event);
    if (task.live === undefined) this.#arrays.attemptEnded(task.taskId);
    placed.task.attemptEnds.push(end);
    this.#preemption.ended(token, end, task);
    this.#results?.ended(placed.nodeId, token, end);
  }

  /** A copy counts for placement rules from when it is all that is left. */
  #goOn({ copy, spec }: SeenTask): void {
    const placed = copy === undefined ? undefined : this.placed.get(copy);
    if (copy !== undefined && placed) this.#places.begin(copy, { nodeId: placed.nodeId, spec });
  }

  /** It ended in batches that the journal lost; history has the record. */
  #endedByRepair(taskId: TaskId): void {
    const isUnbegun = this.#arrays.endedByRepair(taskId);
    this.#workflows.ended(taskId, false);
    const task = isUnbegun ? undefined : this.#mustBeLive(taskId, 'journal_repaired');
    if (!task) return;
    task.isLive = false;
    this.#places.forget(task.live);
    task.live = undefined;
    task.copy = undefined;
    task.ends += 1;
  }

  #backedOff(task: SeenTask | undefined, waitMs: number): void {
    if (!task) return;
    const isPreempted = task.attemptEnds.at(-1)?.reason === 'preempted';
    const ends = task.attemptEnds.filter(({ reason }) => reason !== 'preempted');
    if (isPreempted) {
      this.#rule('backoff', waitMs === 0, `task ${String(task.taskId)} was stopped for another, and waits`);
      return;
    }
    const { own, free, isLastFree, mayRetry, plainMs } = retryBooks(task.spec.retry, ends);
    const name = `task ${String(task.taskId)}`;
    const isSpent = isLastFree ? free > platformRetriesMax : own >= task.spec.retry.attemptsMax;
    const counts = `${String(own)} attempts and ${String(free)} losses`;
    this.#rule('attempts', mayRetry && !isSpent, `${name} is tried again after ${counts}`);
    this.#rule(
      'backoff',
      waitMs >= Math.floor(plainMs * (1 - jitterShare)) && waitMs <= Math.ceil(plainMs * (1 + jitterShare)),
      `${name} waits ${String(waitMs)} ms, not ${String(plainMs)} +-25 %`,
    );
  }

  #ended(task: SeenTask | undefined, kind: Event['kind']): void {
    if (!task) return;
    const name = `task ${String(task.taskId)}`;
    this.#rule('one-lease', task.live === undefined, `${name} ended while an attempt was live`);
    if (kind === 'task_dead_lettered')
      this.#rule('cancel', !task.isCancelAsked, `${name} was cancelled, not dead`);
    if (kind === 'task_succeeded')
      this.#rule(
        'invented-end',
        task.attemptEnds.at(-1)?.exitCode === 0,
        `${name} succeeded without exit code 0`,
      );
    this.#arrays.elementEnded(task.taskId, howEnded[kind] ?? 'unknown');
    this.#workflows.ended(task.taskId, kind === 'task_succeeded');
    task.isLive = false;
    task.hasSucceeded = kind === 'task_succeeded';
    task.ends += 1;
  }

  #newId(taskId: TaskId): void {
    this.#rule('ids', taskId > this.#lastTaskId, `task ${String(taskId)} was admitted twice`);
    this.#lastTaskId = taskId;
  }
  #mustBeLive(taskId: TaskId, what: string): SeenTask | undefined {
    const task = this.tasks.get(taskId);
    this.#rule('ended-once', task?.isLive === true, `${what} of task ${String(taskId)}, which is not live`);
    return task;
  }
  #rule(check: string, holds: boolean, message: string): void {
    if (!holds) this.#report(check, message);
  }
}

const howEnded: Partial<Record<Event['kind'], 'succeeded' | 'dead letter' | 'cancelled'>> = {
  task_succeeded: 'succeeded',
  task_dead_lettered: 'dead letter',
  task_cancelled: 'cancelled',
};

// The work of a job on all tasks that match: found first, then put back or cancelled in steps between which others get
// their turn. A task that changed meanwhile is left as it is and counted by why.
import { setTimeout as pause } from 'node:timers/promises';
import { formatTaskId, type TaskId, taskId as taskIdOf } from '../protocol/brands.ts';
import { bulkStepTasks, pageRowsMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { BulkSkip, BulkSkipReason, BulkTally } from '../protocol/storage.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { LiveSet, TaskFilter } from '../protocol/view.ts';
import { requeueCommand } from './bulk.ts';
import type { BulkReport, ConsolePorts } from './ports.ts';

type Ports = Pick<ConsolePorts, 'execute' | 'history' | 'view'>;
const noTask = taskIdOf(0);

interface Running {
  readonly actor: string;
  readonly report: BulkReport;
  readonly signal: AbortSignal;
  /** Told of each task that was put back or cancelled, and of each group. */
  readonly hit: (taskId: TaskId) => void;
}
/** What one command hits, and how many of the tasks that match go with it. */
interface Target {
  readonly taskId: TaskId;
  readonly tasks: number;
}
/** Made one by one: a million of them are a hundred megabytes. */
interface Targets {
  readonly length: number;
  /** Tasks. */
  readonly total: number;
  readonly at: (at: number) => Target;
}
const one = (taskId: TaskId = noTask): Target => ({ taskId, tasks: 1 });
type Done = Outcome<unknown, { readonly why: Refusal; readonly record?: TaskRecord }>;

/** Oldest first, as they were in line before. Rejects where history cannot answer. */
export async function requeueAll(
  filter: TaskFilter,
  ports: Ports,
  { actor, report, signal, hit, keep }: Running & { readonly keep: (taskIds: readonly TaskId[]) => void },
): Promise<void> {
  const found = await endedIds(filter, ports, { report, signal });
  const putBack: TaskId[] = [];
  const tally = new Tally();
  const requeue = async ({ taskId }: Target): Promise<Done> => {
    const command = await requeueCommand(taskId, actor, ports);
    if (!command.ok) return refused({ why: command.reason });
    if (command.value.kind !== 'RequeueTask') throw new Error('a requeue became another command');
    const { record } = command.value;
    if (filter.states?.includes(record.state) !== true) return refused({ why: changed(record), record });
    const executed = await ports.execute(command.value);
    if (!executed.ok) return refused({ why: executed.reason, record });
    putBack.push(taskId);
    hit(taskId);
    return accepted(undefined);
  };
  const oldestFirst = {
    length: found.length,
    total: found.length,
    at: (at: number) => one(found.at(-1 - at)),
  };
  try {
    await inSteps(oldestFirst, requeue, { tally, report, signal });
  } finally {
    // What was put back before it was stopped can be cancelled, too.
    if (putBack.length > 0) {
      keep(putBack);
      report({ done: tally.seen, total: found.length, bulk: { ...tally.now(), canBeCancelled: true } });
    }
  }
}

/** Newest first: in a workflow, what comes after others goes before them, and not because of them. */
export async function cancelAll(
  { taskIds, groups }: LiveSet,
  ports: Ports,
  { actor, reason, report, signal, hit }: Running & { readonly reason: string },
): Promise<void> {
  const tally = new Tally();
  const targets: Targets = {
    length: groups.length + taskIds.length,
    total: taskIds.length + groups.reduce((sum, { tasks }) => sum + tasks, 0),
    at: (at) => {
      const group = groups[at];
      return group ? { taskId: group.groupId, tasks: group.tasks } : one(taskIds[at - groups.length]);
    },
  };
  const cancel = async ({ taskId }: Target): Promise<Done> => {
    const executed = await ports.execute({ kind: 'CancelTask', taskId, actor, reason });
    if (!executed.ok) return refused({ why: executed.reason });
    hit(taskId);
    return executed;
  };
  await inSteps(targets, cancel, { tally, report, signal });
}

/** Newest first. Each id once: what ends or is put back meanwhile is not met twice. */
async function endedIds(
  filter: TaskFilter,
  { history }: Ports,
  { report, signal }: Pick<Running, 'report' | 'signal'>,
): Promise<TaskId[]> {
  const ids: TaskId[] = [];
  let before: TaskId | undefined;
  for (;;) {
    signal.throwIfAborted();
    const page = await history.list(filter, before, pageRowsMax);
    for (const { taskId } of page.rows) ids.push(taskId);
    report({ done: ids.length, total: 0, bulk: { changed: 0, skipped: [] } });
    if (page.nextBefore === undefined) return ids;
    before = page.nextBefore;
  }
}

/** After each step it rests for as long as that took: half of the time is left to others. */
async function inSteps(
  { length, total, at }: Targets,
  act: (target: Target) => Promise<Done>,
  { tally, report, signal }: Pick<Running, 'report' | 'signal'> & { readonly tally: Tally },
): Promise<void> {
  report({ done: 0, total, bulk: tally.now() });
  for (let start = 0; start < length; start += bulkStepTasks) {
    signal.throwIfAborted();
    const beganAt = performance.now();
    const step = Array.from({ length: Math.min(bulkStepTasks, length - start) }, (_, of) => at(start + of));
    const done = await Promise.all(step.map(async (target) => ({ target, outcome: await act(target) })));
    for (const { target, outcome } of done) tally.add(target, outcome);
    report({ done: tally.seen, total, bulk: tally.now() });
    await pause(Math.ceil(performance.now() - beganAt));
  }
}

class Tally {
  seen = 0;
  #changed = 0;
  readonly #skipped = new Map<BulkSkipReason, BulkSkip>();

  /** Throws where the host takes no commands any more: nothing that follows could be done either. */
  add({ tasks }: Target, outcome: Done): void {
    this.seen += tasks;
    if (outcome.ok) {
      this.#changed += tasks;
      return;
    }
    const { why, record } = outcome.reason;
    if (why.code === 'stopping' || why.code === 'storage_failed') throw new Error(why.message);
    const reason = skipReason(why, record);
    const before = this.#skipped.get(reason);
    const message = before?.message ?? why.message;
    this.#skipped.set(reason, { reason, tasks: (before?.tasks ?? 0) + tasks, message });
  }

  now(): BulkTally {
    const skipped = [...this.#skipped.values()].sort((a, b) => b.tasks - a.tasks);
    return { changed: this.#changed, skipped };
  }
}

function skipReason({ code }: Refusal, record: TaskRecord | undefined): BulkSkipReason {
  if (code === 'unknown_task') return 'gone';
  if (code === 'queue_full' || code === 'class_limit' || code === 'too_many') return 'no_room';
  if (code !== 'wrong_state') return 'refused';
  return record && isOfGroup(record) ? 'grouped' : 'changed';
}
const isOfGroup = ({ group, spec, workflow }: TaskRecord): boolean =>
  group !== undefined || spec.array !== undefined || workflow !== undefined;

const changed = ({ taskId, state }: TaskRecord): Refusal =>
  refusal('wrong_state', `${formatTaskId(taskId)} is ${state} by now`);

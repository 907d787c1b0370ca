// Live tasks and their attempts. A task that ends leaves the table: history keeps it from there.
import type { Ms, NodeId, NodeIndex, TaskId, Token } from '../../protocol/brands.ts';
import { rememberedKeysMax } from '../../protocol/limits.ts';
import type { EndState, LiveState, TaskGroupRef, TaskRecord, TaskSpec } from '../../protocol/task.ts';
import type { AttemptRecord } from '../../protocol/attempt.ts';
import type { AskClass } from './classTable.ts';
import { GroupMembers } from './groupMembers.ts';
import { preemptionsOf } from '../preempt/preemptible.ts';

/** An attempt that has not ended: its node's capacity is taken. */
export interface LiveAttempt {
  readonly attempt: number;
  readonly token: Token;
  readonly node: NodeIndex;
  readonly nodeId: NodeId;
  readonly placedAtMs: Ms;
  readonly gpuMask: number;
  startedAtMs: Ms | undefined;
  /** It is being stopped to make room for this task. */
  preemptedBy?: TaskId;
  /** Because it held what is guaranteed to others. */
  isReclaimed?: true;
  /** Lost at this time unless renewed. Soft state. */
  leaseUntilMs: number;
}

export interface Task {
  readonly taskId: TaskId;
  readonly spec: TaskSpec;
  readonly submitter: string;
  readonly submittedAtMs: Ms;
  readonly askClass: AskClass;
  /** Bytes of the spec as JSON. */
  readonly bytes: number;
  /** The group that it is a member of. Never changed once the task is listed. */
  group: TaskGroupRef | undefined;
  state: LiveState;
  /** Order among waiting tasks; grows each time a task gets into line. */
  enqueuedOrder: number;
  enqueuedAtMs: Ms;
  /** End of the backoff. */
  untilMs: Ms;
  /** The first of its attempts that has not ended. */
  live: LiveAttempt | undefined;
  /** A second one beside it, on another node: the first of them to succeed counts. */
  copy: LiveAttempt | undefined;
  /** Replaced by a longer one, never changed: most waiting tasks share the empty one. */
  past: readonly AttemptRecord[];
  /** Past attempts that were free (`retryClassOf`); they do not count against the task's own. */
  platformLosses: number;
  /** Different nodes that it may have taken down with it: see `isSuspect` of `attempt_ended`. */
  suspectNodes: readonly NodeId[];
  /** Attempts before the last requeue by a person; they do not count either. */
  forgiven: number;
  cancelReason: string | undefined;
  /** What its last attempt left for the next one to go on from. */
  checkpoint: string | undefined;
  /** Number of the newest snapshot that has this task, or began before it came. Soft state. */
  mark: number;
}

export const noAttempts: readonly AttemptRecord[] = [];
export const noNodes: readonly NodeId[] = [];

export class TaskTable {
  readonly #tasks = new Map<TaskId, Task>();
  readonly #byToken = new Map<Token, Task>();
  /** Idempotency keys of live tasks. */
  readonly #liveKeys = new Map<string, TaskId>();
  /** Those of ended tasks, in the order of their ends: the oldest goes first. */
  readonly #endedKeys = new Map<string, TaskId>();
  #bytes = 0;
  /** Live tasks that have a copy. */
  copies = 0;
  /** Live members of arrays, gangs and workflows. */
  readonly groups = new GroupMembers<Task>();
  /** Live tasks that may have taken a node down: they are kept apart. */
  readonly suspects = new Set<Task>();
  /** Number of the newest snapshot. Soft state. */
  mark = 0;
  /** Live tasks by state, kept so that a count costs nothing. */
  readonly #counts: Record<LiveState, number> = {
    ready: 0,
    held: 0,
    backoff: 0,
    dispatched: 0,
    running: 0,
    cancelling: 0,
  };

  get size(): number {
    return this.#tasks.size;
  }
  get bytes(): number {
    return this.#bytes;
  }
  countOf(state: LiveState): number {
    return this.#counts[state];
  }
  /** The only way to change a listed task's state. */
  setState(task: Task, state: LiveState): void {
    this.#counts[task.state] -= 1;
    if (task.group) this.groups.move(task.group.groupId, task.state, state);
    task.state = state;
    this.#counts[state] += 1;
  }
  get(taskId: TaskId): Task | undefined {
    return this.#tasks.get(taskId);
  }
  mustGet(taskId: TaskId): Task {
    const task = this.#tasks.get(taskId);
    if (!task) throw new Error(`task ${String(taskId)} is not live`);
    return task;
  }
  byToken(token: Token): Task | undefined {
    return this.#byToken.get(token);
  }
  all(): IterableIterator<Task> {
    return this.#tasks.values();
  }
  /** Tasks with a live attempt. */
  placed(): IterableIterator<Task> {
    return this.#byToken.values();
  }
  /** Keys of ended tasks, oldest end first; those of live tasks are in their specs. */
  endedKeys(): IterableIterator<[string, TaskId]> {
    return this.#endedKeys.entries();
  }
  byKey(key: string): TaskId | undefined {
    return this.#liveKeys.get(key) ?? this.#endedKeys.get(key);
  }

  add(task: Task): void {
    this.#tasks.set(task.taskId, task);
    this.#counts[task.state] += 1;
    this.#bytes += task.bytes;
    if (task.group) this.groups.add(task.group.groupId, task);
    const { key } = task.spec;
    if (key !== undefined) this.claimKey(key, keyOwner(task));
    for (const { token } of attemptsOf(task)) this.#byToken.set(token, task);
    if (task.copy) this.copies += 1;
    if (task.suspectNodes.length > 0) this.suspects.add(task);
  }
  remove(task: Task): void {
    this.#tasks.delete(task.taskId);
    this.suspects.delete(task);
    this.#counts[task.state] -= 1;
    this.#bytes -= task.bytes;
    if (task.group) this.groups.remove(task.group.groupId, task);
    for (const { token } of attemptsOf(task)) this.#byToken.delete(token);
    if (task.copy) this.copies -= 1;
    const { key } = task.spec;
    if (key !== undefined) this.releaseKey(key, keyOwner(task));
  }
  /** The key is of a live task, or array, from now on. */
  claimKey(key: string, taskId: TaskId): void {
    this.#liveKeys.set(key, taskId);
    this.#endedKeys.delete(key);
  }
  /** The key's task has ended. */
  releaseKey(key: string, taskId: TaskId): void {
    if (this.#liveKeys.get(key) !== taskId) return;
    this.#liveKeys.delete(key);
    this.rememberKey(key, taskId);
  }
  startAttempt(task: Task, live: LiveAttempt): void {
    task.live = live;
    this.#byToken.set(live.token, task);
  }
  startCopy(task: Task, copy: LiveAttempt): void {
    task.copy = copy;
    this.copies += 1;
    this.#byToken.set(copy.token, task);
  }
  /** Where the other one goes on, it is the first from here on. */
  endAttempt(task: Task, token = task.live?.token): void {
    if (token === undefined) return;
    this.#byToken.delete(token);
    if (task.copy) this.copies -= 1;
    if (task.live?.token === token) task.live = task.copy;
    task.copy = undefined;
  }

  /** One more node went with an attempt of it. */
  suspect(task: Task, nodeId: NodeId): void {
    if (!task.suspectNodes.includes(nodeId)) task.suspectNodes = [...task.suspectNodes, nodeId];
    this.suspects.add(task);
  }

  /** The key of a task that has ended. */
  rememberKey(key: string, taskId: TaskId): void {
    this.#endedKeys.set(key, taskId);
    if (this.#endedKeys.size <= rememberedKeysMax) return;
    for (const oldest of this.#endedKeys.keys()) {
      this.#endedKeys.delete(oldest);
      break;
    }
  }
}

const nothingLive: readonly LiveAttempt[] = [];
/** Those that have not ended. */
export function attemptsOf({ live, copy }: Pick<Task, 'live' | 'copy'>): readonly LiveAttempt[] {
  if (!live) return nothingLive;
  return copy ? [live, copy] : [live];
}
/** The one with this token, where it has not ended. */
export function attemptOf(task: Task | undefined, token: Token): LiveAttempt | undefined {
  if (task?.live?.token === token) return task.live;
  return task?.copy?.token === token ? task.copy : undefined;
}
/** The key of a gang's spec is the group's: a repeated submit is answered with its id. */
const keyOwner = ({ taskId, group }: Task): TaskId => (group?.kind === 'gang' ? group.groupId : taskId);

/** Attempts that count against `retry.attemptsMax`. */
export const ownAttempts = (task: Task): number =>
  task.past.length - task.platformLosses - task.forgiven - preemptionsOf(task);

/** The task as history and windows know it. */
export function recordOf(
  task: Task,
  ended?: { readonly state: EndState; readonly atMs: Ms; readonly reason: string },
): TaskRecord {
  // The copy goes before the first attempt, which lists show.
  const attempts = [...task.past, ...[...attemptsOf(task)].reverse().map(liveRecord)];
  const base = {
    taskId: task.taskId,
    spec: task.spec,
    submitter: task.submitter,
    submittedAtMs: task.submittedAtMs,
    attempts,
    ...(task.group && { group: task.group }),
  };
  if (!ended) return { ...base, state: task.state };
  return {
    ...base,
    state: ended.state,
    endedAtMs: ended.atMs,
    ...(ended.reason === '' ? {} : { reason: ended.reason }),
  };
}

export const liveRecord = (live: LiveAttempt): AttemptRecord => ({
  attempt: live.attempt,
  token: live.token,
  nodeId: live.nodeId,
  placedAtMs: live.placedAtMs,
  ...(live.startedAtMs === undefined ? {} : { startedAtMs: live.startedAtMs }),
});

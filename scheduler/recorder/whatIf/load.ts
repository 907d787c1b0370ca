// What came from outside in a span of the record: submits, cancels, settings, nodes; and how long attempts really ran.
import type { AttemptEnd } from '../../protocol/attempt.ts';
import { taskId, type TaskId, type Token } from '../../protocol/brands.ts';
import type { Batch, Command, Event, SubmitWorkflow } from '../../protocol/events.ts';
import { publicOfKey } from '../../protocol/identity.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { decidedAnew } from './decidedAnew.ts';
import { workName } from '../../protocol/work.ts';

/** One attempt as it went when it was left alone. */
export interface RealRun {
  /** From the placement to the start on the node. */
  readonly startMs: number;
  readonly runMs: number;
  readonly end: AttemptEnd;
}
/** An input of the plant; `task`: the recorded id of what is submitted or meant. */
export interface Arrival {
  readonly atMs: number;
  readonly command: Command;
  readonly tasks: readonly TaskId[];
  /** Members of the group that is submitted: their ids follow that of the group. */
  readonly members?: number;
  /** The record lost this node: what runs there in the run is lost with it. */
  readonly losesNode?: boolean;
}
/** An attempt that was under way when the span began. */
export interface UnderWay {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly spec: TaskSpec;
  readonly placedAtMs: number;
  readonly startedAtMs?: number;
}

type Input = Omit<Arrival, 'atMs'>;
type Inputs = {
  readonly [Kind in Event['kind']]?: (event: Extract<Event, { kind: Kind }>) => Input | undefined;
};

const inputs: Inputs = {
  task_admitted: ({ taskId, spec, submitter }) => ({
    command: { kind: 'SubmitTasks', specs: [spec], actor: submitter },
    tasks: [taskId],
  }),
  array_admitted: ({ taskId, lastTaskId, spec, submitter }) => ({
    command: { kind: 'SubmitTasks', specs: [spec], actor: submitter },
    tasks: [taskId],
    members: lastTaskId - taskId,
  }),
  workflow_admitted: ({ taskId, lastTaskId, workflow, submitter }) => ({
    command: { kind: 'SubmitWorkflow', workflow, actor: submitter },
    tasks: [taskId],
    members: lastTaskId - taskId,
  }),
  array_cancelled: ({ groupId, actor, reason }) => cancelOf(groupId, actor, reason),
  workflow_cancelled: ({ groupId, actor, reason }) => cancelOf(groupId, actor, reason),
  task_requeued: ({ record, actor }) => ({
    command: { kind: 'RequeueTask', record, actor },
    tasks: [record.taskId],
  }),
  task_cancel_requested: ({ taskId, actor, reason }) => cancelOf(taskId, actor, reason),
  task_cancelled: ({ taskId, reason }) => cancelOf(taskId, 'record', reason),
  node_enrolled: ({ nodeId, key }) =>
    plain({ kind: 'EnrolNode', nodeId, publicKey: publicOfKey(key) ?? key }),
  node_revoked: ({ nodeId, actor }) => losing({ kind: 'RevokeNode', nodeId, actor }),
  node_joined: ({ nodeId, spec }) => plain({ kind: 'JoinNode', nodeId, spec, held: [] }),
  node_disconnected: ({ nodeId }) => plain({ kind: 'DisconnectNode', nodeId }),
  node_lost: ({ nodeId }) => losing({ kind: 'DisconnectNode', nodeId }),
  node_cordon_set: ({ nodeId, isCordoned, actor }) => plain({ kind: 'SetCordon', nodeId, isCordoned, actor }),
  node_forgotten: ({ nodeId, actor }) => plain({ kind: 'ForgetNode', nodeId, actor }),
  queue_put: ({ queue, weight, settings }) =>
    plain({ kind: 'PutQueue', queue, change: settings ?? { weight }, actor: 'record' }),
  queue_removed: ({ queue, actor }) => plain({ kind: 'RemoveQueue', queue, actor }),
  tenant_put: ({ tenant, settings }) =>
    plain({ kind: 'PutTenant', tenant, change: settings, actor: 'record' }),
  tenant_removed: ({ tenant, actor }) => plain({ kind: 'RemoveTenant', tenant, actor }),
};

const plain = (command: Command): Input => ({ command, tasks: [] });
const losing = (command: Command): Input => ({ ...plain(command), losesNode: true });
const cancelOf = (taskId: TaskId, actor: string, reason: string): Input => ({
  command: { kind: 'CancelTask', taskId, actor, reason },
  tasks: [taskId],
});

interface Attempt {
  readonly taskId: TaskId;
  readonly placedAtMs: number;
  startedAtMs?: number;
}

export class Load {
  readonly arrivals: Arrival[] = [];
  readonly leftOut = new Map<string, number>();
  /** Attempts that ended by themselves, in order, by task. */
  readonly runs = new Map<TaskId, RealRun[]>();
  /** Run times by kind of work, sorted: for attempts without one of their own. */
  readonly #times = new Map<string, number[]>();
  readonly #attempts = new Map<Token, Attempt>();
  readonly #kinds = new Map<TaskId, string>();
  readonly #arrays: { readonly from: number; readonly to: number; readonly kind: string }[] = [];
  /** Members of workflows: most of their cancels follow from ends of others, and are decided anew. */
  readonly #ruled = new Set<TaskId>();
  readonly #cancelled = new Set<TaskId>();
  readonly #shiftMs: number;

  /** `shiftMs`: how much later than recorded it all comes. */
  constructor(underWay: Iterable<UnderWay>, shiftMs: number) {
    this.#shiftMs = shiftMs;
    for (const { token, taskId, spec, placedAtMs, startedAtMs } of underWay) {
      this.#attempts.set(token, { taskId, placedAtMs, ...(startedAtMs !== undefined && { startedAtMs }) });
      this.#kinds.set(taskId, kindOf(spec));
    }
  }

  take({ atMs, events }: Batch): void {
    for (const event of events) {
      this.#learn(event, atMs);
      this.#addInput(event, atMs);
    }
  }

  /** Median run time of a kind of work; undefined where none of it ended in the span. */
  medianMs(spec: TaskSpec): number | undefined {
    const times = this.#times.get(kindOf(spec)) ?? this.#times.get(spec.work.kind);
    return times?.[times.length >> 1];
  }

  finish(): this {
    for (const times of this.#times.values()) times.sort((a, b) => a - b);
    return this;
  }

  #learn(event: Event, atMs: number): void {
    if (event.kind === 'task_admitted') this.#kinds.set(event.taskId, kindOf(event.spec));
    if (event.kind === 'array_admitted')
      this.#arrays.push({ from: event.taskId, to: event.lastTaskId, kind: kindOf(event.spec) });
    if (event.kind === 'workflow_admitted')
      for (const [at, { spec }] of event.workflow.tasks.entries()) {
        const id = taskId(event.taskId + 1 + at);
        this.#kinds.set(id, kindOf(spec));
        this.#ruled.add(id);
      }
    if (event.kind === 'attempt_placed')
      this.#attempts.set(event.token, { taskId: event.taskId, placedAtMs: atMs });
    if (!('token' in event)) return;
    const attempt = this.#attempts.get(event.token);
    if (!attempt) return;
    if (event.kind === 'attempt_started') attempt.startedAtMs = atMs;
    if (event.kind === 'attempt_ended') this.#ended(attempt, event.end, atMs);
  }

  #ended({ taskId: id, placedAtMs, startedAtMs = placedAtMs }: Attempt, end: AttemptEnd, atMs: number): void {
    // One that was ended from outside says nothing of how long its work takes.
    if (['lost', 'agent_lost', 'refused', 'cancelled'].includes(end.reason)) return;
    const run = { startMs: startedAtMs - placedAtMs, runMs: atMs - startedAtMs, end };
    pushTo(this.runs, id, run);
    const kind = this.#kinds.get(id) ?? this.#arrays.find(({ from, to }) => id > from && id <= to)?.kind;
    if (kind === undefined) return;
    pushTo(this.#times, kind, run.runMs);
    pushTo(this.#times, kind.split(' ', 1)[0] ?? kind, run.runMs);
  }

  #addInput(event: Event, atMs: number): void {
    if (decidedAnew.has(event.kind)) return;
    if (event.kind === 'task_cancelled' && this.#ruled.has(event.taskId)) return;
    const input = inputs[event.kind] as ((event: Event) => Input | undefined) | undefined;
    const arrival = input?.(event);
    if (!arrival) {
      this.leftOut.set(event.kind, (this.leftOut.get(event.kind) ?? 0) + 1);
      return;
    }
    const { command, tasks } = arrival;
    if (command.kind === 'CancelTask') {
      // Asked once: that it is over is told by another event.
      if (this.#cancelled.has(command.taskId)) return;
      this.#cancelled.add(command.taskId);
    }
    this.#push({ ...arrival, command: this.#shifted(command), tasks, atMs: atMs + this.#shiftMs });
  }

  /** Tasks that one batch admitted for one submitter came together. */
  #push(arrival: Arrival): void {
    const last = this.arrivals.at(-1);
    const { command } = arrival;
    const isMore =
      last?.atMs === arrival.atMs &&
      last.members === undefined &&
      arrival.members === undefined &&
      last.command.kind === 'SubmitTasks' &&
      command.kind === 'SubmitTasks' &&
      last.command.actor === command.actor;
    if (!isMore) {
      this.arrivals.push(arrival);
      return;
    }
    const specs = [...last.command.specs, ...command.specs];
    const joined = { ...last, command: { ...command, specs }, tasks: [...last.tasks, ...arrival.tasks] };
    this.arrivals[this.arrivals.length - 1] = joined;
  }

  #shifted(command: Command): Command {
    if (this.#shiftMs === 0) return command;
    if (command.kind === 'SubmitWorkflow') return shiftedWorkflow(command, this.#shiftMs);
    if (command.kind !== 'SubmitTasks') return command;
    return { ...command, specs: command.specs.map((spec) => shiftedSpec(spec, this.#shiftMs)) };
  }
}

function shiftedWorkflow({ workflow, ...command }: SubmitWorkflow, shiftMs: number): SubmitWorkflow {
  const { name } = workflow;
  const tasks = workflow.tasks.map((task) => ({ ...task, spec: shiftedSpec(task.spec, shiftMs) }));
  return { ...command, workflow: { name, tasks } };
}

/** Its times move along; its key would only find the task that was really submitted. */
function shiftedSpec(spec: TaskSpec, shiftMs: number): TaskSpec {
  const { notBeforeMs, deadlineMs } = spec;
  const { key, ...withoutKey } = spec;
  return {
    ...(key === undefined ? spec : withoutKey),
    ...(notBeforeMs !== undefined && { notBeforeMs: notBeforeMs + shiftMs }),
    ...(deadlineMs !== undefined && { deadlineMs: deadlineMs + shiftMs }),
  };
}

/** What runs alike: the program in a queue. */
function kindOf({ work, queue }: TaskSpec): string {
  return `${work.kind} ${queue} ${workName(work)}`.trimEnd();
}

function pushTo<Key, Value>(map: Map<Key, Value[]>, key: Key, value: Value): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

// The aggregate of all that the scheduler knows. Only `apply` writes the journalled part; soft state (leases, use, the
// ready window) lives beside it, is lost with the process and rebuilt by `resume`.
import {
  epoch,
  type Epoch,
  type NodeId,
  type NodeIndex,
  queueName,
  type Token,
} from '../../protocol/brands.ts';
import type { Event } from '../../protocol/events.ts';
import type { NodeKey } from '../../protocol/identity.ts';
import { holdOf, leaseLookMs } from '../../protocol/offlineLimits.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import { plantTiming, type Timing } from '../../protocol/timing.ts';
import { GangRoom } from '../place/gangRoom.ts';
import { ScheduleTable } from './scheduleTable.ts';
import { Placer } from '../place/pipeline.ts';
import { type Policy, policies } from '../place/policy.ts';
import { Deadlines } from '../queue/deadlines.ts';
import { Reservations } from '../place/reservations.ts';
import { EndRate } from '../queue/endRate.ts';
import { Keeping } from '../queue/keeping.ts';
import { Openings } from '../queue/openings.ts';
import { ReadyQueue } from '../queue/readyQueue.ts';
import { TenantTable } from '../queue/tenants.ts';
import { RunTimes } from './runTimes.ts';
import { ArrayTable } from './arrayTable.ts';
import { AskMix } from './askMix.ts';
import { CapacityIndex } from './capacityIndex.ts';
import { ClassTable } from './classTable.ts';
import { EnrolmentTable } from './enrolments.ts';
import { GangTable } from './gangTable.ts';
import { Leavings } from './leavings.ts';
import { Neighbours } from './neighbours.ts';
import { NodeBlame } from './nodeBlame.ts';
import { LicenceTable } from './licences.ts';
import { Maintenance } from './maintenance.ts';
import { NodeTable } from './nodeTable.ts';
import { Plant } from './plant.ts';
import { Preemption } from '../preempt/preemption.ts';
import { attemptOf, attemptsOf, type LiveAttempt, type Task, TaskTable } from './taskTable.ts';
import { Timers } from './timers.ts';
import { WorkflowTable } from './workflowTable.ts';

export const defaultQueue = queueName('default');

/** Is told of each event before it changes anything. */
interface ChangeWatcher {
  readonly keep: (event: Event) => void;
}

export class SchedulerState {
  epoch: Epoch = epoch(0);
  /** Sequence of the last batch applied. */
  sequence = 0;
  /** Time of the last batch applied. Time never runs backwards, across restarts too. */
  lastBatchAtMs = 0;
  nextTaskId = 1;
  nextToken = 1;
  nextOrder = 1;
  readonly nodes = new NodeTable();
  readonly index = new CapacityIndex(this.nodes);
  readonly tasks = new TaskTable();
  readonly plant = new Plant(this.nodes);
  readonly arrays = new ArrayTable();
  readonly workflows = new WorkflowTable();
  /** What placement rules count. */
  readonly neighbours = new Neighbours(this.nodes.places, () => this.tasks.placed());
  readonly classes = new ClassTable(this.neighbours);
  readonly tenants = new TenantTable();
  readonly runTimes = new RunTimes();
  readonly openings = new Openings(this.nodes);
  readonly ready = new ReadyQueue(this.plant, this.tenants, this);
  readonly maintenance = new Maintenance(this.nodes, this.index);
  readonly licences = new LicenceTable();
  readonly gangs = new GangTable();
  /** What is asked for of late. Soft state. */
  readonly mix = new AskMix();
  readonly nodeKeys = new Map<NodeId, NodeKey>();
  readonly enrolments = new EnrolmentTable();

  readonly schedules = new ScheduleTable();
  readonly timers = new Timers();
  readonly placer: Placer;
  /** Room kept for tasks that fit nowhere yet. Soft state. */
  readonly reservations = new Reservations(this.nodes, this.tasks, this.runTimes);
  readonly keeping = new Keeping();
  /** No lease ends before this: after a restart or a stall of the host, agents first get time to be heard. */
  rejoinUntilMs = 0;
  /** Rows that have a lease timer under way. */
  readonly timedNodes = new Set<NodeIndex>();
  /** Nodes that gained room since blocked asks were last looked at. */
  readonly freed = new Set<NodeIndex>();
  /** First attempts that run much longer than their like and wait for room for a copy. Soft state. */
  readonly stragglers = new Set<Token>();
  /** What gangs wait for that found no room. */
  readonly gangRoom = new GangRoom();
  /** `changes` of all rules when blocked asks were last looked at. Soft state. */
  ruleChangesSeen = 0;
  readonly preemption = new Preemption();
  /** `changes` of the licences when asks that are short of them were last looked at. Soft state. */
  licenceChangesSeen = 0;
  readonly leavings = new Leavings();
  readonly blame = new NodeBlame();
  /** Reports for attempts that were no longer the reporter's. */
  staleReports = 0;
  readonly deadlines = new Deadlines();
  /** How fast places become free. */
  readonly ends = new EndRate();
  /** When the timer for queues that wait for their rate is due; infinite where none is set. */
  rateTimerMs = Number.POSITIVE_INFINITY;

  /** The snapshot that is being made. */
  snapshot: ChangeWatcher | undefined;
  readonly timing: Timing;

  constructor(policy: Policy = policies.pack, timing: Timing = plantTiming) {
    this.timing = timing;
    this.placer = new Placer(
      {
        fleet: this.nodes,
        classes: this.classes,
        index: this.index,
        mix: this.mix,
        reservations: this.reservations,
      },
      policy,
    );
    this.ready.put(defaultQueue, { weight: 1, mode: 'open' });
  }

  /** After replay: gives every node and attempt the rejoin window, and sets the timers that a restart has lost. */
  resume(nowMs: number): void {
    this.rejoinUntilMs = nowMs + this.timing.rejoinWindowMs;
    this.timers.clear();
    this.rateTimerMs = Number.POSITIVE_INFINITY;
    this.timedNodes.clear();
    this.stragglers.clear();
    this.ready.reset();
    this.nodes.nowMs = nowMs;
    this.maintenance.begin();
    for (const { fromMs, untilMs } of this.maintenance.all())
      for (const dueMs of [fromMs, untilMs]) this.timers.add({ dueMs, kind: 'window', id: 0 });
    this.reservations.clear();
    for (const node of this.nodes.occupied()) this.watchNode(node, this.rejoinUntilMs);
    this.#resumeArrays(nowMs);
    this.workflows.touchAll();
    for (const { groupId } of this.gangs.all()) this.timers.add({ dueMs: nowMs, kind: 'gang', id: groupId });
    for (const task of this.tasks.all()) {
      if (task.state === 'backoff')
        this.timers.add({ dueMs: task.untilMs, kind: 'backoff', id: task.taskId });
      if (task.state === 'held' && task.untilMs > 0)
        this.timers.add({ dueMs: task.untilMs, kind: 'delayed', id: task.taskId });
      this.#resumeAttempts(task, nowMs);
    }
  }

  #resumeArrays(nowMs: number): void {
    for (const { groupId, spec } of this.arrays.all())
      if ((spec.notBeforeMs ?? 0) > nowMs)
        this.timers.add({ dueMs: spec.notBeforeMs ?? 0, kind: 'delayed', id: groupId });
  }

  /** When it was last heard of went with the host's memory: not later than now. */
  #resumeAttempts(task: Task, nowMs: number): void {
    for (const live of attemptsOf(task)) {
      live.leaseUntilMs = this.attemptLeaseFrom(nowMs, task.spec);
      this.watchAttempt(live, nowMs);
    }
    if (task.live && task.spec.isRepeatable === true)
      this.timers.add({ dueMs: this.rejoinUntilMs, kind: 'straggler', id: task.live.token });
  }

  /** Starts the node's lease, and its timer where none is under way. */
  watchNode(node: NodeIndex, untilMs: number): void {
    this.nodes.leaseUntilMs[node] = untilMs;
    if (this.timedNodes.has(node)) return;
    this.timedNodes.add(node);
    this.timers.add({ dueMs: untilMs, kind: 'node', id: node });
  }
  /** Sets the timer of its lease. It looks in between at a long one: timers of attempts that ended stay till due. */
  watchAttempt({ leaseUntilMs, token }: LiveAttempt, nowMs: number): void {
    this.timers.add({ dueMs: Math.min(leaseUntilMs, nowMs + leaseLookMs), kind: 'attempt', id: token });
  }
  nodeLeaseFrom(nowMs: number): number {
    return Math.max(nowMs + this.timing.nodeLeaseMs, this.rejoinUntilMs);
  }
  /** Until when the task runs nowhere else, where this is the last that is heard of its attempt. */
  attemptLeaseFrom(nowMs: number, { offlineLimitMs }: Pick<TaskSpec, 'offlineLimitMs'>): number {
    const aloneMs = offlineLimitMs === undefined ? 0 : holdOf(offlineLimitMs);
    return Math.max(nowMs + Math.max(this.timing.attemptLeaseMs, aloneMs), this.rejoinUntilMs);
  }
}

/** The live attempt with this token, if it is this node's. */
export function liveAttemptOf(
  state: SchedulerState,
  nodeId: NodeId,
  token: Token,
): { readonly task: Task; readonly live: LiveAttempt } | undefined {
  const task = state.tasks.byToken(token);
  const live = attemptOf(task, token);
  return task && live?.nodeId === nodeId ? { task, live } : undefined;
}

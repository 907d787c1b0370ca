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
import { plantTiming, type Timing } from '../../protocol/timing.ts';
import { Placer } from '../place/pipeline.ts';
import { type Policy, policies } from '../place/policy.ts';
import { ReadyQueue } from '../queue/readyQueue.ts';
import { TenantTable } from '../queue/tenants.ts';
import { AskMix } from './askMix.ts';
import { CapacityIndex } from './capacityIndex.ts';
import { ClassTable } from './classTable.ts';
import { Leavings } from './leavings.ts';
import { Neighbours } from './neighbours.ts';
import { NodeBlame } from './nodeBlame.ts';
import { NodeTable } from './nodeTable.ts';
import { type LiveAttempt, type Task, TaskTable } from './taskTable.ts';
import { Timers } from './timers.ts';

const endedSamplesMax = 256; // about the last cycle's worth

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
  /** What placement rules count. */
  readonly neighbours = new Neighbours(this.nodes.places, () => this.tasks.placed());
  readonly classes = new ClassTable(this.neighbours);
  readonly ready = new ReadyQueue();
  readonly tenants = new TenantTable();
  /** What is asked for of late. Soft state. */
  readonly mix = new AskMix();
  /** SHA-256 of each enrolled node's key. */
  readonly nodeKeys = new Map<NodeId, string>();

  readonly timers = new Timers();
  readonly placer: Placer;
  /** No lease ends before this: after a restart or a stall of the host, agents first get time to be heard. */
  rejoinUntilMs = 0;
  /** Rows that have a lease timer under way. */
  readonly timedNodes = new Set<NodeIndex>();
  /** Nodes that gained room since blocked asks were last looked at. */
  readonly freed = new Set<NodeIndex>();
  /** `changes` of all rules when blocked asks were last looked at. Soft state. */
  ruleChangesSeen = 0;
  readonly leavings = new Leavings();
  readonly blame = new NodeBlame();
  /** Reports for attempts that were no longer the reporter's. */
  staleReports = 0;
  /** When the last tasks ended, newest last: how fast places become free. */
  readonly #endedAtMs: number[] = [];

  /** The snapshot that is being made. */
  snapshot: ChangeWatcher | undefined;
  readonly timing: Timing;

  constructor(policy: Policy = policies.pack, timing: Timing = plantTiming) {
    this.timing = timing;
    this.placer = new Placer(
      { fleet: this.nodes, classes: this.classes, index: this.index, mix: this.mix },
      policy,
    );
    this.ready.put(defaultQueue, { weight: 1, mode: 'open' });
  }

  /** After replay: gives every node and attempt the rejoin window, and sets the timers that a restart has lost. */
  resume(nowMs: number): void {
    this.rejoinUntilMs = nowMs + this.timing.rejoinWindowMs;
    this.timers.clear();
    this.timedNodes.clear();
    this.ready.reset();
    for (const node of this.nodes.occupied()) this.watchNode(node, this.rejoinUntilMs);
    for (const task of this.tasks.all()) {
      if (task.state === 'backoff')
        this.timers.add({ dueMs: task.untilMs, kind: 'backoff', id: task.taskId });
      if (!task.live) continue;
      task.live.leaseUntilMs = this.rejoinUntilMs;
      this.timers.add({ dueMs: this.rejoinUntilMs, kind: 'attempt', id: task.live.token });
    }
  }

  /** Remembers that a task ended, for `endedPerS`. */
  countEnded(atMs: number): void {
    this.#endedAtMs.push(atMs);
    if (this.#endedAtMs.length > endedSamplesMax) this.#endedAtMs.shift();
  }
  /** How fast tasks ended of late; 0 where none did. */
  endedPerS(): number {
    const first = this.#endedAtMs[0];
    const last = this.#endedAtMs.at(-1);
    if (first === undefined || last === undefined || last <= first) return 0;
    return ((this.#endedAtMs.length - 1) / (last - first)) * 1_000;
  }

  /** Starts the node's lease, and its timer where none is under way. */
  watchNode(node: NodeIndex, untilMs: number): void {
    this.nodes.leaseUntilMs[node] = untilMs;
    if (this.timedNodes.has(node)) return;
    this.timedNodes.add(node);
    this.timers.add({ dueMs: untilMs, kind: 'node', id: node });
  }
  nodeLeaseFrom(nowMs: number): number {
    return Math.max(nowMs + this.timing.nodeLeaseMs, this.rejoinUntilMs);
  }
  attemptLeaseFrom(nowMs: number): number {
    return Math.max(nowMs + this.timing.attemptLeaseMs, this.rejoinUntilMs);
  }
}

/** The live attempt with this token, if it is this node's. */
export function liveAttemptOf(
  state: SchedulerState,
  nodeId: NodeId,
  token: Token,
): { readonly task: Task; readonly live: LiveAttempt } | undefined {
  const task = state.tasks.byToken(token);
  return task?.live?.nodeId === nodeId ? { task, live: task.live } : undefined;
}

// Who is blamed for what: a task for nodes that went with it, a node for tasks that others run. Its own books of which
// nodes left when, and of what failed where, made from events alone.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { AttemptRecord } from '../../scheduler/protocol/attempt.ts';
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import {
  blamedTasksMin,
  outageNodesMin,
  poisonNodesMax,
  setAsidePercentMax,
} from '../../scheduler/protocol/limits.ts';
import type { Report } from './audit.ts';

const togetherMs = 60_000;
const unwellMs = 600_000;

export class BlameWatch {
  readonly counts = { poisoned: 0, setAside: 0 };
  readonly #report: Report;
  readonly #online = new Set<NodeId>();
  #left: { readonly nodeId: NodeId; readonly atMs: number; isExplained: boolean }[] = [];
  /** Nodes that a task may have taken down, since it was last put in its queue by somebody. */
  readonly #taken = new Map<TaskId, Set<NodeId>>();
  readonly #failed = new Map<NodeId, Set<TaskId>>();
  readonly #tasks = new Map<Token, { readonly taskId: TaskId; readonly nodeId: NodeId }>();

  constructor(report: Report) {
    this.#report = report;
  }

  turned(core: Core, { batch, effects }: TurnResult): void {
    if (!batch) return;
    const records = new Map<Token, AttemptRecord>();
    for (const effect of effects)
      if (effect.kind === 'task_ended')
        for (const attempt of effect.record.attempts) records.set(attempt.token, attempt);
    for (const event of batch.events) {
      this.#nodes(core, event, batch.atMs);
      if (event.kind === 'attempt_placed') this.#placed(event);
      if (event.kind === 'task_requeued') this.#taken.delete(event.record.taskId);
      if (event.kind === 'attempt_ended') this.#ended(core, event, { atMs: batch.atMs, records });
    }
  }

  #nodes({ state }: Core, event: Event, atMs: number): void {
    if (event.kind === 'epoch_started') {
      this.#online.clear();
      this.#left = []; // the new life knows nothing of them
    }
    if (event.kind === 'node_joined') {
      this.#leaves(event.nodeId, atMs);
      this.#online.add(event.nodeId);
    }
    if (event.kind === 'node_disconnected' || event.kind === 'node_lost') this.#leaves(event.nodeId, atMs);
    if (event.kind === 'node_forgotten')
      this.#left = this.#left.filter(({ nodeId }) => nodeId !== event.nodeId);
    if (event.kind !== 'node_set_aside') return;
    this.counts.setAside += 1;
    const { setAside, size } = state.nodes;
    const most = Math.max(1, Math.floor((size * setAsidePercentMax) / 100));
    const count = [...setAside.keys()].length;
    this.#rule('set-aside', count <= most, `${String(count)} of ${String(size)} nodes are set aside`);
    const failed = this.#failed.get(event.nodeId)?.size ?? 0;
    this.#rule(
      'set-aside',
      failed >= blamedTasksMin,
      `${event.nodeId} is, and failed ${String(failed)} tasks`,
    );
  }
  #leaves(nodeId: NodeId, atMs: number): void {
    if (this.#online.delete(nodeId)) this.#left.push({ nodeId, atMs, isExplained: false });
  }

  #placed({ taskId, token, nodeId }: Extract<Event, { kind: 'attempt_placed' }>): void {
    this.#tasks.set(token, { taskId, nodeId });
    const taken = this.#taken.get(taskId)?.size ?? 0;
    this.#rule(
      'poison',
      taken < poisonNodesMax,
      `task ${String(taskId)} is placed again after ${String(taken)} nodes went with it`,
    );
  }

  #ended(
    { state }: Core,
    { token, end, isSuspect }: Extract<Event, { kind: 'attempt_ended' }>,
    { atMs, records }: { readonly atMs: number; readonly records: ReadonlyMap<Token, AttemptRecord> },
  ): void {
    const placed = this.#tasks.get(token);
    if (!placed) return; // placed in batches that an older journal brought back
    const { taskId, nodeId } = placed;
    if (end.reason === 'lost' || end.reason === 'agent_lost') {
      const past = state.tasks.get(taskId)?.past.find((attempt) => attempt.token === token);
      const record = records.get(token) ?? past;
      const mayBlame = record?.startedAtMs !== undefined && atMs > state.rejoinUntilMs;
      if (record) this.#lost(placed, isSuspect === true, { atMs, mayBlame });
    } else if (end.exitCode !== 0)
      this.#failed.set(nodeId, (this.#failed.get(nodeId) ?? new Set()).add(taskId));
  }

  #lost(
    { taskId, nodeId }: { readonly taskId: TaskId; readonly nodeId: NodeId },
    isBlamed: boolean,
    { atMs, mayBlame }: { readonly atMs: number; readonly mayBlame: boolean },
  ): void {
    const words = `task ${String(taskId)} is ${isBlamed ? '' : 'not '}blamed for the end of ${nodeId}`;
    this.#rule('poison', (mayBlame && this.#wentAlone(nodeId, atMs)) === isBlamed, words);
    if (!isBlamed) return;
    const last = this.#left.findLast((left) => left.nodeId === nodeId);
    if (last) last.isExplained = true;
    const taken = (this.#taken.get(taskId) ?? new Set<NodeId>()).add(nodeId);
    this.#taken.set(taskId, taken);
    if (taken.size >= poisonNodesMax) this.counts.poisoned += 1;
  }

  #wentAlone(nodeId: NodeId, atMs: number): boolean {
    const own = this.#left.filter(
      (left) => left.nodeId === nodeId && !left.isExplained && atMs - left.atMs <= unwellMs,
    );
    const others = this.#left.filter((left) => left.nodeId !== nodeId && atMs - left.atMs <= togetherMs);
    return own.length <= 1 && new Set(others.map((left) => left.nodeId)).size < outageNodesMin;
  }

  #rule(check: string, holds: boolean, message: string): void {
    if (!holds) this.#report(check, message);
  }
}

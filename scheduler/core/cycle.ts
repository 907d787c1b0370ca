// One turn of the core: take commands, decide, apply, fire timers, place. Synchronous and deterministic: the same turns
// in the same order give the same batches.
import { epoch, type Ms, ms } from '../protocol/brands.ts';
import type { Batch, Command, Event } from '../protocol/events.ts';
import { accepted, type Outcome, type Refusal } from '../protocol/outcome.ts';
import type { Ask, EndState, TaskRecord } from '../protocol/task.ts';
import type { Timing } from '../protocol/timing.ts';
import type { SchedulerView } from '../protocol/view.ts';
import { type Answer, decide } from './decide/deciders.ts';
import { tendArrays } from './decide/arrays.ts';
import { placeCopies } from './decide/copies.ts';
import { placeReady, wakeBlocked } from './decide/place.ts';
import { fireTimers } from './decide/timers.ts';
import type { Turn } from './decide/turn.ts';
import { tendWorkflows } from './decide/workflows.ts';
import type { Effect } from './effects.ts';
import { type Random, seededRandom } from './ports.ts';
import type { Policy } from './place/policy.ts';
import { apply } from './state/apply.ts';
import { resumePreemption } from './preempt/nominations.ts';
import { SchedulerState } from './state/schedulerState.ts';
import { digestOf } from './state/digest.ts';
import { Restoring } from './state/restore.ts';
import { Snapshot, type SnapshotPace } from './state/snapshot.ts';
import { arrayRecordOf } from './state/arrayTable.ts';
import { workflowRecordOf } from './state/workflowRecord.ts';
import { recordOf } from './state/taskTable.ts';
import { viewOf } from './view.ts';

export interface TurnResult {
  /** Absent where nothing happened that has to be kept. */
  readonly batch: Batch | undefined;
  /** One per command, in order. To be given only once the batch is durable. */
  readonly answers: readonly Outcome<Answer, Refusal>[];
  readonly effects: readonly Effect[];
  /** More can be placed at once: take another turn. */
  readonly hasMore: boolean;
}

export interface CoreOptions {
  readonly policy?: Policy | undefined;
  readonly timing?: Timing | undefined;
}

export class Core {
  readonly #state: SchedulerState;
  #random: Random = seededRandom(1);
  #lastTurnMs = 0;
  /** How far the core's time is ahead of the wall clock, where that was set back. */
  #aheadMs = 0;

  constructor({ policy, timing }: CoreOptions = {}) {
    this.#state = new SchedulerState(policy, timing);
  }

  /** A core as it was when this snapshot of it was taken. */
  static restored(parts: Iterable<string>, options?: CoreOptions): Core {
    const core = new Core(options);
    const restoring = core.restore();
    for (const part of parts) restoring.take(part);
    restoring.finish();
    return core;
  }

  get state(): SchedulerState {
    return this.#state;
  }
  readonly view = (): SchedulerView => viewOf(this.#state);
  /** For an empty core: takes the parts of a snapshot one by one. */
  restore(): Restoring {
    return new Restoring(this.#state);
  }
  /** The state as of now, in parts that may be made while turns go on. Ends one that is still under way. */
  beginSnapshot(pace?: SnapshotPace): Snapshot {
    return new Snapshot(this.#state, pace);
  }
  /** The same at once. */
  snapshotParts(): readonly string[] {
    return [...this.beginSnapshot().parts()].filter((part) => part !== undefined);
  }
  /** Equal for equal journalled state. O(state). */
  digest(): string {
    return digestOf(this.#state);
  }
  /** When the next lease or backoff ends, on the wall clock of the last turn, or undefined where none is set. */
  nextDueMs(): number | undefined {
    const dueMs = this.#state.timers.nextDueMs();
    return dueMs === undefined ? undefined : dueMs - this.#aheadMs;
  }

  /** Tells of tasks of the past, from history: they count for the mix of asks that placement looks ahead with. */
  recall(asks: Iterable<Ask>): void {
    for (const ask of asks) this.#state.mix.count(ask);
  }

  /** Applies a batch read from the journal. Returns the tasks that ended in it. Throws where a batch is missing. */
  replay(batch: Batch): readonly TaskRecord[] {
    if (batch.sequence !== this.#state.sequence + 1)
      throw new Error(
        `batch ${String(batch.sequence)} follows ${String(this.#state.sequence)}: one is missing`,
      );
    const ended: TaskRecord[] = [];
    for (const event of batch.events) {
      const record = endedRecord(this.#state, event, batch.atMs);
      if (record) ended.push(record);
      apply(this.#state, event, batch.atMs);
    }
    this.#state.sequence = batch.sequence;
    this.#state.lastBatchAtMs = batch.atMs;
    return ended;
  }

  turn(wallMs: number, commands: readonly Command[]): TurnResult {
    const state = this.#state;
    const nowMs = this.#advance(wallMs);
    state.nodes.tick(nowMs);
    state.ready.nowMs = nowMs;
    const events: Event[] = [];
    const effects: Effect[] = [];
    const turn: Turn = {
      state,
      nowMs,
      random: this.#random,
      emit: (event) => {
        const record = endedRecord(state, event, nowMs);
        if (record) countEnd(state, record, nowMs);
        apply(state, event, nowMs);
        events.push(event);
        if (!record) return;
        effects.push({ kind: 'task_ended', record });
      },
      effect: (effect) => effects.push(effect),
    };
    const answers = commands.map((command) => this.#decide(turn, command));
    const hasMoreTimers = fireTimers(turn);
    const hasMoreToEnd = tendArrays(turn);
    tendWorkflows(turn);
    wakeBlocked(turn);
    const hasMoreToPlace = placeReady(turn);
    if (!hasMoreToPlace) placeCopies(turn);
    const hasMore = hasMoreToPlace || hasMoreTimers || hasMoreToEnd;
    return { batch: this.#seal(nowMs, events), answers, effects, hasMore };
  }

  /**
   * The time of this turn. It neither runs backwards nor waits for a wall clock that was set back to catch up: it goes
   * on from where it was, or leases and backoffs would stand still for as long. A stall moves the rejoin window along.
   */
  #advance(wallMs: number): Ms {
    const state = this.#state;
    const leastMs = Math.max(state.lastBatchAtMs, this.#lastTurnMs);
    this.#aheadMs = Math.max(this.#aheadMs, leastMs - Math.floor(wallMs));
    const nowMs = ms(Math.floor(wallMs) + this.#aheadMs);
    const gapMs = nowMs - this.#lastTurnMs;
    if (this.#lastTurnMs > 0 && gapMs > state.timing.stallMs)
      state.rejoinUntilMs = Math.max(state.rejoinUntilMs + gapMs, nowMs + state.timing.nodeLeaseMs);
    this.#lastTurnMs = nowMs;
    return nowMs;
  }

  #seal(atMs: TaskRecord['submittedAtMs'], events: readonly Event[]): Batch | undefined {
    if (events.length === 0) return undefined;
    this.#state.sequence += 1;
    this.#state.lastBatchAtMs = atMs;
    return { sequence: this.#state.sequence, atMs, events };
  }

  #decide(turn: Turn, command: Command): Outcome<Answer, Refusal> {
    if (command.kind !== 'StartEpoch') return decide(turn, command);
    turn.emit({ kind: 'epoch_started', epoch: epoch(turn.state.epoch + 1), seed: command.seed });
    this.#random = seededRandom(command.seed);
    turn.state.resume(turn.nowMs);
    resumePreemption(turn.state, turn.nowMs);
    return accepted({});
  }
}

/** For who asks when to come back. The task, or the array, is still live. */
function countEnd(state: SchedulerState, { spec, workflow }: TaskRecord, nowMs: Ms): void {
  // Its tasks were counted, and its queue may be gone already.
  if (workflow) return;
  state.ends.count(nowMs);
  state.ready.mustGet(spec.queue).share.ends.count(nowMs);
  state.tenants.get(spec.tenant)?.share.ends.count(nowMs);
}

const endStateOf: Partial<Record<Event['kind'], EndState>> = {
  task_succeeded: 'succeeded',
  task_dead_lettered: 'dead_letter',
  task_cancelled: 'cancelled',
};

/** The full record of a task that this event ends, taken before the event removes it. */
function endedRecord(
  state: SchedulerState,
  event: Event,
  atMs: TaskRecord['submittedAtMs'],
): TaskRecord | undefined {
  if (event.kind === 'array_ended')
    return arrayRecordOf(state.arrays.mustGet(event.taskId), { ...event, atMs });
  if (event.kind === 'workflow_ended')
    return (
      event.end && workflowRecordOf(state.workflows.mustGet(event.groupId), event.end, { ...event.end, atMs })
    );
  const endState = endStateOf[event.kind];
  if (!endState || !('taskId' in event)) return undefined;
  const reason = 'reason' in event ? event.reason : '';
  return recordOf(state.tasks.mustGet(event.taskId), { state: endState, atMs, reason });
}

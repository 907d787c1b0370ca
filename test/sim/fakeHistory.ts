// History as the host sees it: ended tasks by batch, committed a little later, sometimes much later; a crash takes what
// was not committed.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { isEnd } from '../../scheduler/protocol/endEvents.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import type { World } from './world.ts';

interface Stored {
  readonly sequence: number;
  readonly taskId: TaskId;
  /** Undefined: put back in its queue, so that it no longer counts as ended. */
  readonly record: TaskRecord | undefined;
}
const commitEveryMs = 150;
/** Batches that it may be behind before the engine waits. */
const behindMax = 40;
/** Batches on their way to the disk while the engine finds that history has no more room. */
export const writesAtATimeMost = 3;

export class FakeHistory {
  /** Nothing is committed before then: a slow disk, a long query. */
  stuckUntilMs = 0;
  readonly counts = { lostTails: 0, waits: 0 };
  readonly #world: World;
  readonly #byTask = new Map<TaskId, Stored[]>();
  #stored: Stored[] = [];
  #sequence = 0;
  #committed = 0;
  #cancelCommit: (() => void) | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Everything up to this batch survives a crash. */
  get committedSequence(): number {
    return this.#committed;
  }
  /** All that it was told survives a crash. */
  get holdsAll(): boolean {
    return this.#committed === this.#sequence;
  }
  /** False: turns have to wait. */
  hasRoom(): boolean {
    const hasRoom = this.#sequence - this.#committed < behindMax;
    if (!hasRoom) this.counts.waits += 1;
    return hasRoom;
  }
  /** Further behind than waiting in time allows. */
  isTooFarBehind(): boolean {
    return this.#sequence - this.#committed > behindMax + writesAtATimeMost;
  }
  /** Each time the task ended, oldest first. */
  endsOf(taskId: TaskId): readonly TaskRecord[] {
    return (this.#byTask.get(taskId) ?? []).flatMap(({ record }) => (record ? [record] : []));
  }
  /** Ended, and not put back since. */
  knowsAsEnded(taskId: TaskId): boolean {
    return this.#byTask.get(taskId)?.at(-1)?.record !== undefined;
  }
  all(): readonly TaskRecord[] {
    return this.#stored.flatMap(({ record }) => (record ? [record] : []));
  }

  /** Batches that are here already change nothing. */
  store({ sequence, events }: Batch, ended: readonly TaskRecord[]): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    // In the order of the events: one batch may put a task back, end it, and put it back again.
    const records = [...ended];
    for (const event of events) {
      const record = isEnd(event) ? records.shift() : undefined;
      if (record) this.#add({ sequence, taskId: record.taskId, record });
      if (event.kind === 'task_requeued')
        this.#add({ sequence, taskId: event.record.taskId, record: undefined });
    }
    for (const record of records) this.#add({ sequence, taskId: record.taskId, record });
    this.#commitLater(commitEveryMs);
  }

  crash(): void {
    this.#cancelCommit?.();
    this.#cancelCommit = undefined;
    if (!this.holdsAll) this.counts.lostTails += 1;
    this.#sequence = this.#committed;
    const kept = this.#stored.filter(({ sequence }) => sequence <= this.#committed);
    this.#stored = [];
    this.#byTask.clear();
    for (const stored of kept) this.#add(stored);
  }

  /** The journal lost what came after this batch: what history knows stays, and later numbers are new ones. */
  setBack(sequence: number): void {
    this.#committed = Math.min(this.#committed, sequence);
    this.#sequence = Math.min(this.#sequence, sequence);
    this.#stored = this.#stored.map((stored) => ({
      ...stored,
      sequence: Math.min(stored.sequence, sequence),
    }));
  }

  #commitLater(delayMs: number): void {
    this.#cancelCommit ??= this.#world.after(delayMs, () => {
      this.#cancelCommit = undefined;
      const stuckMs = this.stuckUntilMs - this.#world.nowMs;
      if (stuckMs > 0) this.#commitLater(stuckMs);
      else this.#committed = this.#sequence;
    });
  }

  #add(stored: Stored): void {
    this.#stored.push(stored);
    const list = this.#byTask.get(stored.taskId);
    if (list) list.push(stored);
    else this.#byTask.set(stored.taskId, [stored]);
  }
}

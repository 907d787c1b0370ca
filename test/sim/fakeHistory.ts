// History as the host sees it: ended tasks by batch, committed a little later; a crash takes what was not committed.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import type { World } from './world.ts';

interface Stored {
  readonly sequence: number;
  readonly record: TaskRecord;
}
const commitEveryMs = 150;

export class FakeHistory {
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
  /** Each time the task ended, oldest first. */
  endsOf(taskId: TaskId): readonly TaskRecord[] {
    return (this.#byTask.get(taskId) ?? []).map(({ record }) => record);
  }
  all(): readonly TaskRecord[] {
    return this.#stored.map(({ record }) => record);
  }

  /** Batches that are here already change nothing. */
  store(sequence: number, ended: readonly TaskRecord[]): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    for (const record of ended) this.#add({ sequence, record });
    this.#cancelCommit ??= this.#world.after(commitEveryMs, () => {
      this.#committed = this.#sequence;
      this.#cancelCommit = undefined;
    });
  }

  crash(): void {
    this.#cancelCommit?.();
    this.#cancelCommit = undefined;
    this.#sequence = this.#committed;
    const kept = this.#stored.filter(({ sequence }) => sequence <= this.#committed);
    this.#stored = [];
    this.#byTask.clear();
    for (const stored of kept) this.#add(stored);
  }

  #add(stored: Stored): void {
    this.#stored.push(stored);
    const { taskId } = stored.record;
    const list = this.#byTask.get(taskId);
    if (list) list.push(stored);
    else this.#byTask.set(taskId, [stored]);
  }
}

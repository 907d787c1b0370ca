// Submits the tasks of a plan, each when it is due, again and again until an answer came: from then on it counts as
// acknowledged and must not be lost.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskSpecInput } from '../../scheduler/protocol/task.ts';
import type { Door } from './door.ts';
import { pause } from './hostUnderTest.ts';

const tickMs = 40;
/** Tasks of one call: several are under way when the host dies. */
const batchMax = 12;

export interface Due {
  readonly key: string;
  readonly atMs: number;
  readonly spec: TaskSpecInput;
}

export class Load {
  /** By key, as the host answered. */
  readonly acknowledged = new Map<string, TaskId>();
  /** Answers that contradict earlier ones. */
  readonly contradictions: string[] = [];
  readonly #door: Door;
  readonly #onTaken: () => void;
  readonly #owners = new Map<TaskId, string>();
  #waiting: Due[];

  constructor(door: Door, due: readonly Due[], onTaken: () => void) {
    this.#door = door;
    this.#onTaken = onTaken;
    this.#waiting = [...due].sort((a, b) => a.atMs - b.atMs);
  }

  get isDone(): boolean {
    return this.#waiting.length === 0;
  }
  get waitingKeys(): readonly string[] {
    return this.#waiting.map(({ key }) => key);
  }

  /** Besides the plan: at once. */
  add(key: string, spec: TaskSpecInput): void {
    this.#waiting.push({ key, atMs: 0, spec });
  }

  /** Until everything is acknowledged or `isOver`. */
  async run(startedMs: number, isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      const nowMs = performance.now() - startedMs;
      const due = this.#waiting.filter(({ atMs }) => atMs <= nowMs).slice(0, batchMax);
      if (due.length > 0) await this.#submit(due);
      await pause(tickMs);
    }
  }

  async #submit(due: readonly Due[]): Promise<void> {
    const answers = await this.#door.submit(due.map(({ spec }) => spec));
    if (!answers) return;
    for (const [at, { key }] of due.entries()) {
      const answer = answers[at];
      if (answer?.ok !== true) continue;
      this.#onTaken();
      this.#take(key, answer.taskId);
    }
    this.#waiting = this.#waiting.filter(({ key }) => !this.acknowledged.has(key));
  }

  #take(key: string, taskId: TaskId): void {
    const owner = this.#owners.get(taskId);
    if (owner !== undefined && owner !== key)
      this.contradictions.push(`task id ${taskId} was given to ${owner} and again to ${key}`);
    this.#owners.set(taskId, key);
    this.acknowledged.set(key, taskId);
  }
}

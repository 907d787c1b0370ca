// What the journal says of arrays, held against plain rules: every index begins once and in order, runs only within the
// array's bound and after its time, and the array ends when all of them have.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { Report } from './audit.ts';

type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
type How = 'succeeded' | 'dead letter' | 'cancelled' | 'unknown';

interface SeenArray {
  readonly groupId: TaskId;
  readonly spec: TaskSpec;
  readonly size: number;
  next: number;
  isCancelled: boolean;
  isOver: boolean;
  /** Elements that have an attempt. */
  readonly running: Set<TaskId>;
  /** Elements that have ended and are not live again. */
  readonly ended: Map<TaskId, How>;
}

export class ArrayBooks {
  readonly #arrays = new Map<TaskId, SeenArray>();
  readonly #report: Report;

  constructor(report: Report) {
    this.#report = report;
  }

  admitted({ taskId: groupId, spec }: EventOf<'array_admitted'>): void {
    const size = spec.array?.count ?? 0;
    const now = { next: 0, isCancelled: false, isOver: false };
    this.#arrays.set(groupId, { groupId, spec, size, ...now, running: new Set(), ended: new Map() });
  }

  /** The elements that come to life. */
  begun({
    groupId,
    from,
    count,
  }: EventOf<'array_elements_begun'>): readonly { taskId: TaskId; spec: TaskSpec }[] {
    const array = this.#arrays.get(groupId);
    const name = `array ${String(groupId)}`;
    this.#rule(array !== undefined && !array.isCancelled, `${name} begins elements it must not`);
    if (!array) return [];
    while (array.ended.get(elementOf(array, array.next)) === 'unknown') array.next += 1;
    this.#rule(from === array.next, `${name} begins ${String(from)}, and ${String(array.next)} is next`);
    array.next = from + count;
    this.#rule(array.next <= array.size, `${name} begins more elements than it has`);
    return Array.from({ length: count }, (_, at) => ({
      taskId: elementOf(array, from + at),
      spec: array.spec,
    }));
  }
  cancelled({ groupId }: EventOf<'array_cancelled'>): void {
    const array = this.#arrays.get(groupId);
    if (array) array.isCancelled = true;
  }

  placed(taskId: TaskId): void {
    const array = this.#ofElement(taskId);
    if (!array) return;
    array.running.add(taskId);
    const most = array.spec.array?.runningMax ?? Infinity;
    const said = `array ${String(array.groupId)} runs ${String(array.running.size)} of ${String(most)}`;
    if (array.running.size > most) this.#report('array-running', said);
  }
  attemptEnded(taskId: TaskId): void {
    this.#ofElement(taskId)?.running.delete(taskId);
  }
  elementEnded(taskId: TaskId, how: How): void {
    this.#ofElement(taskId)?.ended.set(taskId, how);
  }
  requeued(taskId: TaskId): void {
    this.#ofElement(taskId)?.ended.delete(taskId);
  }

  /** `isLive`: whether an element that has begun is. */
  ended({ taskId, reason }: EventOf<'array_ended'>, isLive: (element: TaskId) => boolean): void {
    const array = this.#arrays.get(taskId);
    if (!array) return;
    array.isOver = true;
    const name = `array ${String(taskId)}`;
    const counts: Record<How, number> = { succeeded: 0, 'dead letter': 0, cancelled: 0, unknown: 0 };
    for (let index = 0; index < array.size; index += 1) {
      const element = elementOf(array, index);
      const how =
        array.ended.get(element) ?? (index >= array.next && array.isCancelled ? 'cancelled' : undefined);
      this.#rule(
        how !== undefined && !isLive(element),
        `${name} ended, and element ${String(index)} has not`,
      );
      if (how) counts[how] += 1;
    }
    for (const how of ['succeeded', 'dead letter', 'cancelled'] as const) {
      const told = Number(new RegExp(`(\\d+) ${how}`).exec(reason)?.[1] ?? 0);
      this.#rule(told === counts[how], `${name} says "${reason}", and ${String(counts[how])} ${how}`);
    }
  }
  /** It ended in what the journal lost. True where it is an array, or an element that had not begun. */
  endedByRepair(taskId: TaskId): boolean {
    const array = this.#arrays.get(taskId);
    if (array) array.isOver = true;
    const element = this.#ofElement(taskId);
    element?.ended.set(taskId, 'unknown');
    element?.running.delete(taskId);
    return element !== undefined && taskId - element.groupId - 1 >= element.next;
  }

  #ofElement(taskId: TaskId): SeenArray | undefined {
    for (const array of this.#arrays.values())
      if (!array.isOver && taskId > array.groupId && taskId <= array.groupId + array.size) return array;
    return undefined;
  }
  #rule(holds: boolean, message: string): void {
    if (!holds) this.#report('array', message);
  }
}

const elementOf = ({ groupId }: SeenArray, index: number): TaskId => (groupId + 1 + index) as TaskId;

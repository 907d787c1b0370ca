// Which events take a task, or a group, out of the core and into history.
import type { Event, EventKind } from './events.ts';

const endKinds: ReadonlySet<EventKind> = new Set([
  'task_succeeded',
  'task_dead_lettered',
  'task_cancelled',
  'array_ended',
]);
/** With each of these one record leaves for history, in the order of the events. */
export const isEnd = (event: Event): boolean =>
  event.kind === 'workflow_ended' ? event.end !== undefined : endKinds.has(event.kind);

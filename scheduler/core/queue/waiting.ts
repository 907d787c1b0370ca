// How a live task waits, worked out when asked: in the window, behind it, for room, or for time.
import type { Waiting } from '../../protocol/view.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';

/** O(tasks before it in its lane) for a task of a lane that reaches into the backlog, else O(1). */
export function waitingOf(state: SchedulerState, task: Task): Waiting {
  if (task.state === 'backoff') return 'backoff';
  if (task.state === 'held') return 'held';
  if (task.state !== 'ready') return 'none';
  if (task.askClass.isBlocked) return 'blocked';
  const lane = state.ready.laneOf(task);
  if (!lane || lane.window >= lane.size) return 'ready';
  return lane.ahead(task.enqueuedOrder) < lane.window ? 'ready' : 'backlog';
}

// How a live task waits, worked out when asked: in the window, behind it, for room, or for time.
import type { Waiting } from '../../protocol/reasons.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import { windowOf } from './window.ts';

/** O(tasks of its lane) for a task of a lane that reaches into the backlog, else O(1); O(lanes) after a change. */
export function waitingOf(state: SchedulerState, task: Task): Waiting {
  if (task.state === 'backoff') return 'backoff';
  if (task.state === 'held') return 'held';
  if (task.state !== 'ready') return 'none';
  if (task.askClass.isBlocked) return 'blocked';
  const lane = state.ready.laneOf(task);
  const inWindow = lane ? (windowOf(state.ready).get(lane) ?? 0) : 0;
  if (!lane || inWindow >= lane.size) return 'ready';
  return inWindow > 0 && lane.ahead(task) < inWindow ? 'ready' : 'backlog';
}

// Timers that are due: leases that ran out, backoffs that are over.
import { type NodeIndex, taskId, token } from '../../protocol/brands.ts';
import { attemptTimer } from './attemptReport.ts';
import { nodeTimer } from './nodeLifecycle.ts';
import type { Turn } from './turn.ts';

const timersPerTurnMax = 4_096; // a fallen switch ends thousands of leases at once; the rest fires next turn

/** True where more timers are due than one turn takes. */
export function fireTimers(turn: Turn): boolean {
  const { timers, tasks } = turn.state;
  for (let fired = 0; fired < timersPerTurnMax; fired += 1) {
    const timer = timers.takeDue(turn.nowMs);
    if (!timer) return false;
    switch (timer.kind) {
      case 'node':
        nodeTimer(turn, timer.id as NodeIndex);
        break;
      case 'attempt':
        attemptTimer(turn, token(timer.id));
        break;
      case 'backoff': {
        const task = tasks.get(taskId(timer.id));
        if (task?.state === 'backoff' && task.untilMs <= turn.nowMs)
          turn.emit({ kind: 'task_ready', taskId: task.taskId });
        break;
      }
    }
  }
  return true;
}

// How tasks and the plant stand now, for those who ask instead of watching: programs that wait, health checks.
import type { TaskId } from '../protocol/brands.ts';
import type { Summary, TaskStanding } from '../protocol/consoleAnswers.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type { ConsolePorts } from './ports.ts';
import { inChunks } from './turns.ts';

/** Tasks looked up in one turn; those that ended cost a read of history each. */
const lookedUpPerTurn = 250;

/** One per id, in order. */
export function standingsOf(
  taskIds: readonly TaskId[],
  { view, history }: Pick<ConsolePorts, 'view' | 'history'>,
): Promise<readonly TaskStanding[]> {
  const standingOf = async (taskId: TaskId): Promise<TaskStanding> => {
    const live = view.taskRow(taskId);
    const record = live === undefined ? await history.get(taskId) : undefined;
    const row = live ?? (record && rowOfRecord(record, 'none'));
    if (row === undefined) return { taskId, state: 'unknown' };
    return { taskId, state: row.state, ...(row.exitCode !== undefined && { exitCode: row.exitCode }) };
  };
  return inChunks(taskIds, lookedUpPerTurn, (chunk) => Promise.all(chunk.map(standingOf)));
}

export function summaryOf({ view, clock, isRecovering }: ConsolePorts): Summary {
  return {
    atMs: clock(),
    epoch: view.epoch(),
    isRecovering: isRecovering(),
    nodes: view.nodeCounts(),
    tasks: view.taskCounts(),
    use: view.fleetUse(),
    queues: view.queues(),
  };
}

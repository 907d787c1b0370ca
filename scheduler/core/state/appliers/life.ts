// Events of the host's life and of its journal.
import { epoch, type TaskId } from '../../../protocol/brands.ts';
import { skipElement } from '../arrayTable.ts';
import { nodeState } from '../nodeTable.ts';
import type { SchedulerState } from '../schedulerState.ts';
import { dropTask } from '../taskMaking.ts';
import { countElementEnd, removeArray } from './arrays.ts';
import { setMemberEnded } from './workflows.ts';
import { setNodeState } from './nodes.ts';
import type { Appliers } from './types.ts';

/** More restarts than lost batches can hold. */
const epochsSkippedByRepair = 1_000_000;

export const lifeAppliers: Appliers<'epoch_started' | 'journal_repaired'> = {
  epoch_started(state, event) {
    state.epoch = epoch(event.epoch);
    for (const node of state.nodes.occupied())
      if (state.nodes.state[node] === nodeState.online) setNodeState(state, node, nodeState.disconnected);
  },
  journal_repaired(state, event) {
    state.nextTaskId = Math.max(state.nextTaskId, event.nextTaskId);
    state.nextToken = Math.max(state.nextToken, event.nextToken);
    // The lost batches may have begun epochs too, and agents refuse what comes from one older than they know.
    state.epoch = epoch(state.epoch + epochsSkippedByRepair);
    for (const taskId of event.ended) endedUnseen(state, taskId);
  },
};

/** It ended in what the journal lost; history has its record. */
function endedUnseen(state: SchedulerState, taskId: TaskId): void {
  const task = state.tasks.get(taskId);
  if (task) {
    countElementEnd(state, task.group, 'unknown');
    setMemberEnded(state, task.group, 'unknown');
    const gang = state.gangs.of(task);
    for (const one of gang ? [...gang.members] : [task]) dropTask(state, one);
    return;
  }
  const array = state.arrays.get(taskId);
  if (array) removeArray(state, array);
  const element = state.arrays.unbegun(taskId);
  if (element) skipElement(element.row, element.index);
}

// Events of the host's life and of its journal.
import { epoch } from '../../../protocol/brands.ts';
import { nodeState } from '../nodeTable.ts';
import { dropTask } from '../taskMaking.ts';
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
    for (const taskId of event.ended) {
      const task = state.tasks.get(taskId);
      const gang = task && state.gangs.of(task);
      for (const one of gang ? [...gang.members] : [task]) if (one) dropTask(state, one);
    }
  },
};

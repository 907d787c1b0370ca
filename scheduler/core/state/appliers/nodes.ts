// Events of nodes.
import type { NodeIndex } from '../../../protocol/brands.ts';
import type { NodeSpec } from '../../../protocol/node.ts';
import { holdCapacity } from '../capacity.ts';
import { closedBy, nodeState } from '../nodeTable.ts';
import type { SchedulerState } from '../schedulerState.ts';
import { type Appliers, mustIndex, mustLive } from './types.ts';

type NodeEvents =
  'node_joined' | 'node_disconnected' | 'node_lost' | 'node_cordon_set' | 'node_set_aside' | 'node_forgotten';

export const nodeAppliers: Appliers<NodeEvents> = {
  node_joined(state, event, atMs) {
    const node = state.nodes.indexOf(event.nodeId) ?? state.nodes.add(event.nodeId);
    state.nodes.nodeClass[node] = state.classes.nodeClassOf(event.spec).row;
    describe(state, node, event.spec);
    state.nodes.lastSeenMs[node] = atMs;
    setNodeState(state, node, nodeState.online);
    for (const token of state.nodes.attemptsOn(node)) {
      const { task, live } = mustLive(state, token);
      holdCapacity(state, node, task.spec.ask, live.gpuMask);
    }
    state.nodes.markOverheld(node);
  },
  node_disconnected(state, event) {
    setNodeState(state, mustIndex(state, event.nodeId), nodeState.disconnected);
  },
  node_lost(state, event) {
    setNodeState(state, mustIndex(state, event.nodeId), nodeState.lost);
  },
  node_cordon_set(state, event) {
    const node = mustIndex(state, event.nodeId);
    if (event.isCordoned) close(state, node, closedBy.operator);
    else {
      state.nodes.cordoned[node] = 0;
      state.nodes.setAside.delete(node);
      state.nodes.version += 1;
      state.index.update(node);
    }
  },
  node_set_aside(state, event) {
    const node = mustIndex(state, event.nodeId);
    state.nodes.setAside.set(node, event.reason);
    close(state, node, closedBy.blame);
  },
  node_forgotten(state, event) {
    const node = mustIndex(state, event.nodeId);
    setNodeState(state, node, nodeState.lost); // out of the index before the row goes
    state.nodes.remove(node);
    state.nodeKeys.delete(event.nodeId);
  },
};

function close(state: SchedulerState, node: NodeIndex, by: number): void {
  state.nodes.cordoned[node] = (state.nodes.cordoned[node] ?? 0) | by;
  state.nodes.version += 1;
  state.index.update(node);
}

/** A node that comes back elsewhere takes what it runs along. */
function describe({ nodes, neighbours, maintenance }: SchedulerState, node: NodeIndex, spec: NodeSpec): void {
  const was = nodes.specs[node]?.place;
  const { area, line, cell } = spec.place;
  const moves = was !== undefined && (was.area !== area || was.line !== line || was.cell !== cell);
  if (moves) neighbours.shift(node, -1);
  nodes.describe(node, spec);
  if (moves) neighbours.shift(node, 1);
  if (nodes.windows > 0) maintenance.settle(node);
}

export function setNodeState(state: SchedulerState, node: NodeIndex, next: number): void {
  state.nodes.state[node] = next;
  state.nodes.version += 1;
  state.index.update(node);
  state.plant.update(node);
}

// Could this node ever run the ask: empty, online and uncordoned? Tells "not now" from "never".
import type { NodeIndex } from '../../protocol/brands.ts';
import type { Resources } from '../../protocol/node.ts';
import type { Ask } from '../../protocol/task.ts';
import { type AskClass, classRefusal } from '../state/classTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { isInPlace } from './filters.ts';

export function emptyFits(state: SchedulerState, node: NodeIndex, ask: AskClass): boolean {
  const nodeClass = state.classes.nodeClasses[state.nodes.nodeClass[node] ?? -1];
  if (!nodeClass || classRefusal(nodeClass, ask) !== undefined) return false;
  return isInPlace(node, ask, state.nodes) && holds(state.nodes.specOf(node).resources, ask.ask);
}

function holds(has: Resources, ask: Ask): boolean {
  if (has.cpu < ask.cpu || has.memory < ask.memory || has.slots < ask.slots) return false;
  if (has.gpuDevices < (ask.gpu?.devices ?? 0)) return false;
  return Object.entries(ask.custom).every(([name, amount]) => (has.custom[name] ?? 0) >= amount);
}

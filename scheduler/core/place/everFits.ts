// Could this node ever run the ask: empty, online and uncordoned? Tells "not now" from "never".
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import { type AskClass, classRefusal } from '../state/classTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { isAvoided, isInPlace, isLargeEnough } from './ruleFilters.ts';

export function emptyFits(state: SchedulerState, node: NodeIndex, ask: AskClass): boolean {
  const nodeClass = state.classes.nodeClasses[state.nodes.nodeClass[node] ?? -1];
  if (!nodeClass || classRefusal(nodeClass, ask) !== undefined) return false;
  if (!isInPlace(node, ask, state.nodes) || !isLargeEnough(node, ask, state.nodes)) return false;
  return !ask.rules || !isAvoided(node, ask.rules.avoid, state.nodes);
}

/** How many members of a gang an empty node that fits one of them has room for. */
export function emptySeats(
  { nodes }: SchedulerState,
  node: NodeIndex,
  { ask, rules, gangSize }: AskClass,
): number {
  if (rules?.isExclusive) return 1;
  const times = (total: number | undefined, each: number): number =>
    each > 0 ? Math.floor((total ?? 0) / each) : gangSize;
  const gpu = ask.gpu ? ask.gpu.devices * ask.gpu.thousandths : 0;
  const customs = Object.entries(ask.custom).map(([name, each]) =>
    times(nodes.customTotal[nodes.knownCustomColumn(name) ?? -1]?.[node], each),
  );
  return Math.min(
    gangSize,
    times(nodes.cpuTotal[node], ask.cpu),
    times(nodes.memoryTotal[node], ask.memory),
    times(nodes.slotsTotal[node], ask.slots),
    times((nodes.gpuDevices[node] ?? 0) * gpuThousandthsPerDevice, gpu),
    ...customs,
  );
}

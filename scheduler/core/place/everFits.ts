// Could this node ever run the ask: empty, online and uncordoned? Tells "not now" from "never".
import type { NodeIndex } from '../../protocol/brands.ts';
import { type AskClass, classRefusal } from '../state/classTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { isAvoided, isInPlace, isLargeEnough } from './ruleFilters.ts';

export function emptyFits(state: SchedulerState, node: NodeIndex, ask: AskClass): boolean {
  const nodeClass = state.classes.nodeClasses[state.nodes.nodeClass[node] ?? -1];
  if (!nodeClass || classRefusal(nodeClass, ask) !== undefined) return false;
  if (!isInPlace(node, ask, state.nodes) || !isLargeEnough(node, ask, state.nodes)) return false;
  return !ask.rules || !isAvoided(node, ask.rules.avoid, state.nodes);
}

// Counts over live tasks (engine) and ended tasks (history) by one property, as one table.
import type { Params, Results } from '../protocol/consoleWire.ts';
import { groupsMax } from '../protocol/limits.ts';
import type { Grouping, TaskGroup, TaskGroups } from '../protocol/view.ts';
import type { ConsolePorts } from './ports.ts';
import { splitFilter } from './splitFilter.ts';

const noGroups: TaskGroups = { groups: [], total: 0, beyond: 0, isEstimate: false };

/**
 * A task that is live and in history at once (it ended between the two questions, or was put back and history has not
 * heard of it) is counted twice for that moment.
 */
export async function countTasks(
  { filter, by }: Params<'countTasks'>,
  { view, history, clock }: ConsolePorts,
): Promise<Results['countTasks']> {
  const asOfMs = clock();
  const { live, ended } = splitFilter(filter);
  const liveGroups = live === undefined ? new Map<string, number>() : view.liveGroups(live, by);
  const endedGroups = ended === undefined ? noGroups : await history.groups(ended, by);
  return { ...merged(liveGroups, endedGroups, by), asOfMs, tookMs: clock() - asOfMs };
}

function merged(live: ReadonlyMap<string, number>, ended: TaskGroups, by: Grouping): TaskGroups {
  const sums = new Map(live);
  let total = ended.total;
  for (const tasks of live.values()) total += tasks;
  for (const { key, tasks } of ended.groups) sums.set(key, (sums.get(key) ?? 0) + tasks);
  const all = [...sums].map(([key, tasks]): TaskGroup => ({ key, tasks })).sort(largestFirst);
  const groups = all.slice(0, groupsMax);
  const beyond = all.slice(groupsMax).reduce((sum, { tasks }) => sum + tasks, ended.beyond);
  if (by === 'hour' || by === 'day') groups.sort((a, b) => compare(a.key, b.key));
  return { groups, total, beyond, isEstimate: ended.isEstimate };
}

const largestFirst = (a: TaskGroup, b: TaskGroup): number => b.tasks - a.tasks || compare(a.key, b.key);
const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

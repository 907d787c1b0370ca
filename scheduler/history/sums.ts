// Which of the tables of sums knows all that a filter names, and the filter as a condition on it.
import type { TaskFilter } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { searchOf, stateCodesOf } from './search.ts';
import { hourMs } from './tallies.ts';

export type SumsTable = 'tally' | 'node_tally' | 'hourly';

/** Undefined: none does. Every table knows the state. */
export function sumsFor(filter: TaskFilter): SumsTable | undefined {
  if (!isOfColumns(filter)) return undefined;
  const { queue, tenant, nodeId } = filter;
  const names = [queue, tenant].filter((name) => name !== undefined).length;
  const time = timeOf(filter);
  if (nodeId !== undefined) return time === 'any' && names === 0 ? 'node_tally' : undefined;
  if (time === 'any') return 'tally';
  return time === 'hours' && names < 2 ? 'hourly' : undefined;
}

const isOfColumns = ({ text = '', labels = {}, groupId, missedDeadline }: TaskFilter): boolean =>
  text === '' && Object.keys(labels).length === 0 && groupId === undefined && missedDeadline !== true;

function timeOf({ sinceMs, untilMs }: TaskFilter): 'any' | 'hours' | 'parts' {
  if (sinceMs === undefined && untilMs === undefined) return 'any';
  return (sinceMs ?? 0) % hourMs === 0 && (untilMs ?? 0) % hourMs === 0 ? 'hours' : 'parts';
}

/** The filter as a condition on a table that `sumsFor` gave. */
export function sumsWhere(
  database: Database,
  filter: TaskFilter,
  sums: SumsTable,
): { readonly where: string; readonly parameters: readonly number[] } {
  const { names } = searchOf(database, filter);
  const numbers = names.map(([, number]) => number);
  const states = `state IN (${stateCodesOf(filter).join(', ')})`;
  if (sums !== 'hourly')
    return {
      where: [states, ...names.map(([column]) => `${column} = ?`)].join(' AND '),
      parameters: numbers,
    };
  const hours = [
    Math.floor((filter.sinceMs ?? 0) / hourMs),
    Math.floor((filter.untilMs ?? Number.MAX_SAFE_INTEGER) / hourMs),
  ];
  const byTenant = filter.tenant === undefined ? 0 : 1;
  const isNamed = numbers.length > 0 ? 'AND name = ?' : '';
  return {
    where: `by_tenant = ${byTenant} AND hour >= ? AND hour < ? AND ${states} ${isNamed}`,
    parameters: [...hours, ...numbers],
  };
}

// TaskFilter -> what it means for stored tasks: keys to look up, columns to compare, and what only the record tells.
import { endStates, type TaskRecord } from '../protocol/task.ts';
import { searchTextOf } from '../protocol/taskRow.ts';
import type { TaskFilter } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import type { EndedRow } from './endedRow.ts';
import { keyOf, labelKey, trigramKeysOf } from './facets.ts';
import { numberOfName } from './names.ts';

type Column = 'queue' | 'tenant' | 'node';

export interface Search {
  /** No ended task can match. */
  readonly isEmpty: boolean;
  /** A task has one key of each of these. The first ones are the rarer ones. */
  readonly keys: readonly (readonly number[])[];
  /** Columns that must have a number; -1 where the name is not known. */
  readonly names: readonly (readonly [Column, number])[];
  /** Condition on columns of `ended`. */
  readonly where: { readonly text: string; readonly parameters: readonly number[] };
  /** Text and labels in lower case, as table `record` holds them: each is part of what matches. */
  readonly needles: readonly string[];
  readonly sinceMs: number;
  readonly untilMs: number;
  /** True: only the record tells whether a task matches. */
  readonly readsRecord: boolean;
  /** True: the keys tell all but the time. */
  readonly isByKeys: boolean;
  readonly matchesColumns: (row: EndedRow) => boolean;
  readonly matchesRecord: (record: TaskRecord) => boolean;
}

/** The codes of the states that a filter leaves of those that history has: live ones are the core's. */
export const stateCodesOf = ({ states }: TaskFilter): readonly number[] =>
  endStates.flatMap((state, code) => (!states || states.includes(state) ? [code] : []));

export function searchOf(database: Database, filter: TaskFilter): Search {
  const states = stateCodesOf(filter);
  const names: [Column, number | undefined][] = [];
  const add = (column: Column, name: string | undefined): void => {
    if (name !== undefined) names.push([column, numberOfName(database, name)]);
  };
  add('node', filter.nodeId);
  add('queue', filter.queue);
  add('tenant', filter.tenant);
  const labels = Object.entries(filter.labels ?? {});
  const needle = filter.text?.toLowerCase() ?? '';
  const { sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = filter;
  const isEveryState = states.length === endStates.length;
  const numbers = names.map(([column, number]) => [column, number ?? -1] as const);
  return {
    isEmpty: states.length === 0 || names.some(([, number]) => number === undefined) || sinceMs >= untilMs,
    names: numbers,
    keys: [
      ...labels.map(([label, value]) => [labelKey(label, value)]),
      ...numbers.map(([column, number]) => [keyOf(column, number)]),
      ...trigramKeysOf(needle).map((key) => [key]),
      ...(isEveryState ? [] : [states.map((code) => keyOf('state', code))]),
    ],
    where: {
      text: [
        `submitted_ms >= ? AND submitted_ms < ?`,
        ...(isEveryState ? [] : [`state IN (${states.join(', ')})`]),
        ...numbers.map(([column]) => `${column} = ?`),
      ].join(' AND '),
      parameters: [sinceMs, untilMs, ...numbers.map(([, number]) => number)],
    },
    needles: [
      ...(needle === '' ? [] : [needle]),
      ...labels.map(([label, value]) => `${label}=${value}`.toLowerCase()),
    ],
    sinceMs,
    untilMs,
    readsRecord: needle !== '' || labels.length > 0,
    isByKeys: needle === '',
    matchesColumns: (row) =>
      row.submittedMs >= sinceMs &&
      row.submittedMs < untilMs &&
      states.includes(row.state) &&
      numbers.every(([column, number]) => row[column] === number),
    matchesRecord: ({ spec }) =>
      labels.every(([label, value]) => spec.labels[label] === value) &&
      (needle === '' || searchTextOf(spec).includes(needle)),
  };
}

/** For records whose columns are not at hand: rows of an older version. */
export function matchesFilter(filter: TaskFilter, record: TaskRecord): boolean {
  const { spec } = record;
  const { states, queue, tenant, nodeId, labels = {}, text = '' } = filter;
  return (
    isAmong(record.state, states) &&
    isEqualOrAny(spec.queue, queue) &&
    isEqualOrAny(spec.tenant, tenant) &&
    isEqualOrAny(record.attempts.at(-1)?.nodeId, nodeId) &&
    isInTime(filter, record.submittedAtMs) &&
    Object.entries(labels).every(([label, value]) => spec.labels[label] === value) &&
    searchTextOf(spec).includes(text.toLowerCase())
  );
}

const isInTime = ({ sinceMs, untilMs }: TaskFilter, atMs: number): boolean =>
  atMs >= (sinceMs ?? 0) && atMs < (untilMs ?? Infinity);
const isAmong = <Value>(value: Value, allowed: readonly Value[] | undefined): boolean =>
  !allowed || allowed.includes(value);
const isEqualOrAny = <Value>(value: Value, wanted: Value | undefined): boolean =>
  wanted === undefined || value === wanted;

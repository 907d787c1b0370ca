// TaskFilter -> what it means for stored tasks: keys to look up, columns to compare, and what only the record tells.
import { endStates, type TaskRecord } from '../protocol/task.ts';
import { hasMissedDeadline, searchTextOf } from '../protocol/taskRow.ts';
import type { TaskFilter } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import type { EndedRow } from './endedRow.ts';
import { keyOf, labelKey, missedKey, trigramKeysOf } from './facets.ts';
import { idsOfGroup } from './groupRange.ts';
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
  /** What stands in the JSON of all that match. */
  readonly marks: readonly string[];
  /** Only tasks from this id on and below that one. */
  readonly fromId: number;
  readonly toId: number;
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
  const isEveryState = states.length === endStates.length;
  const names = namesOf(database, filter);
  const { sinceMs = 0, untilMs = Number.MAX_SAFE_INTEGER } = filter;
  const ids = idsOfGroup(database, filter.groupId);
  const numbers = names.map(([column, number]) => [column, number ?? -1] as const);
  const isUnknown = names.some(([, number]) => number === undefined);
  const { keys: contentKeys, ...content } = contentOf(filter);
  return {
    isEmpty: states.length === 0 || isUnknown || sinceMs >= untilMs || ids.from >= ids.to,
    names: numbers,
    keys: [
      ...contentKeys.first,
      ...numbers.map(([column, number]) => [keyOf(column, number)]),
      ...contentKeys.last,
      ...(isEveryState ? [] : [states.map((code) => keyOf('state', code))]),
    ],
    where: {
      text: [
        `submitted_ms >= ? AND submitted_ms < ?`,
        ...(isEveryState ? [] : [`state IN (${states.join(', ')})`]),
        ...numbers.map(([column]) => `${column} = ?`),
        'task_id >= ? AND task_id < ?',
      ].join(' AND '),
      parameters: [sinceMs, untilMs, ...numbers.map(([, number]) => number), ids.from, ids.to],
    },
    ...content,
    fromId: ids.from,
    toId: ids.to,
    sinceMs,
    untilMs,
    matchesColumns: (row) =>
      row.taskId >= ids.from &&
      row.taskId < ids.to &&
      row.submittedMs >= sinceMs &&
      row.submittedMs < untilMs &&
      states.includes(row.state) &&
      numbers.every(([column, number]) => row[column] === number),
  };
}

/** What only the record of a task tells: its text, its labels, and whether it missed its deadline. */
function contentOf(filter: TaskFilter) {
  const labels = Object.entries(filter.labels ?? {});
  const needle = filter.text?.toLowerCase() ?? '';
  const isMissed = filter.missedDeadline === true;
  return {
    keys: {
      first: [
        ...(isMissed ? [[missedKey]] : []),
        ...labels.map(([label, value]) => [labelKey(label, value)]),
      ],
      last: trigramKeysOf(needle).map((key) => [key]),
    },
    needles: [
      ...(needle === '' ? [] : [needle]),
      ...labels.map(([label, value]) => `${label}=${value}`.toLowerCase()),
    ],
    marks: isMissed ? ['"deadlineMs":'] : [],
    readsRecord: needle !== '' || labels.length > 0 || isMissed,
    isByKeys: needle === '' && !isMissed,
    matchesRecord: (record: TaskRecord) =>
      hasLabels(record, labels) &&
      (needle === '' || searchTextOf(record.spec).includes(needle)) &&
      (!isMissed || hasMissedDeadline(record)),
  };
}

const hasLabels = ({ spec }: TaskRecord, labels: readonly (readonly [string, string])[]): boolean =>
  labels.every(([label, value]) => spec.labels[label] === value);

/** Undefined: no ended task ever had this name. */
function namesOf(
  database: Database,
  { nodeId, queue, tenant }: TaskFilter,
): readonly (readonly [Column, number | undefined])[] {
  const named = [
    ['node', nodeId],
    ['queue', queue],
    ['tenant', tenant],
  ] as const;
  return named.flatMap(([column, name]) =>
    name === undefined ? [] : [[column, numberOfName(database, name)] as const],
  );
}

/** For records whose columns are not at hand: rows of an older version. */
export function matchesFilter(filter: TaskFilter, record: TaskRecord): boolean {
  const { spec } = record;
  const { states, queue, tenant, nodeId } = filter;
  return (
    isAmong(record.state, states) &&
    isEqualOrAny(spec.queue, queue) &&
    isEqualOrAny(spec.tenant, tenant) &&
    isEqualOrAny(record.attempts.at(-1)?.nodeId, nodeId) &&
    isInTime(filter, record.submittedAtMs) &&
    isEqualOrAny(record.group?.groupId, filter.groupId) &&
    contentOf(filter).matchesRecord(record)
  );
}

const isInTime = ({ sinceMs, untilMs }: TaskFilter, atMs: number): boolean =>
  atMs >= (sinceMs ?? 0) && atMs < (untilMs ?? Infinity);
const isAmong = <Value>(value: Value, allowed: readonly Value[] | undefined): boolean =>
  !allowed || allowed.includes(value);
const isEqualOrAny = <Value>(value: Value, wanted: Value | undefined): boolean =>
  wanted === undefined || value === wanted;

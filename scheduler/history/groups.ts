// Ended tasks counted by group: from the sums that the writer keeps where they know it, else from the tasks themselves
// up to a bound, and then marked as an estimate.
import { groupsMax } from '../protocol/limits.ts';
import type { Grouping, TaskFilter, TaskGroup, TaskGroups } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, type Row } from '../sqlite/columns.ts';
import { shareOf, speakersMin } from './counts.ts';
import { kindCodes, stateOfCode } from './facets.ts';
import { hasLegacy, legacySample } from './legacyQueries.ts';
import { nameOfNumber } from './names.ts';
import { segmentSize } from './postings.ts';
import type { Reading } from './reading.ts';
import { type Search, searchOf } from './search.ts';
import type { Segment } from './segmentBook.ts';
import { type SumsTable, sumsFor, sumsWhere } from './sums.ts';
import { hourMs } from './tallies.ts';
import type { TaskRecord } from '../protocol/task.ts';

const end = Number.MAX_SAFE_INTEGER;
const dayHours = 24;

type Counts = Map<number, number>;
interface Counted {
  readonly counts: Counts;
  /** Of all that were to be looked at. */
  readonly share: number;
}

export function groupsOf(reading: Reading, filter: TaskFilter, by: Grouping): TaskGroups {
  const { database } = reading;
  if (hasLegacy(database)) return legacyGroups(reading, filter, by);
  const search = searchOf(database, filter);
  if (search.isEmpty) return { groups: [], total: 0, beyond: 0, isEstimate: false };
  const { counts, share } = summed(database, filter, by) ?? walked(reading, search, by);
  const scale = share >= 1 ? 1 : 1 / share;
  const groups = [...counts].flatMap(([code, n]): readonly [number, number][] =>
    n > 0 ? [[code, Math.round(n * scale)]] : [],
  );
  return ordered(
    groups.map(([code, tasks]) => ({ code, tasks })),
    by,
    { keyOf: (code) => keyOfCode(database, by, code), isEstimate: share < 1 },
  );
}

/** Cuts to `groupsMax`, then names what is left. */
function ordered(
  groups: { readonly code: number; readonly tasks: number }[],
  by: Grouping,
  of: { readonly keyOf: (code: number) => string; readonly isEstimate: boolean },
): TaskGroups {
  const isTime = by === 'hour' || by === 'day';
  // Of hours and days the newest ones stay.
  groups.sort((a, b) => (isTime ? b.code - a.code : b.tasks - a.tasks || a.code - b.code));
  const listed = groups
    .slice(0, groupsMax)
    .map(({ code, tasks }): TaskGroup => ({ key: of.keyOf(code), tasks }));
  if (isTime) listed.reverse();
  const sum = (some: readonly { readonly tasks: number }[]): number =>
    some.reduce((n, { tasks }) => n + tasks, 0);
  const total = sum(groups);
  return { groups: listed, total, beyond: total - sum(listed), isEstimate: of.isEstimate };
}

function keyOfCode(database: Database, by: Grouping, code: number): string {
  if (by === 'state') return stateOfCode(code);
  if (by === 'kind') return kindCodes[code] ?? '';
  if (by === 'hour') return new Date(code * hourMs).toISOString().slice(0, 'yyyy-mm-ddThh'.length);
  if (by === 'day') return new Date(code * dayHours * hourMs).toISOString().slice(0, 'yyyy-mm-dd'.length);
  return nameOfNumber(database, code);
}

/** A group's code, out of the columns of `ended`. */
const codeSql: Readonly<Record<Grouping, string>> = {
  state: 'state',
  queue: 'queue',
  tenant: 'tenant',
  node: 'node',
  kind: 'kind',
  hour: `submitted_ms / ${hourMs}`,
  day: `submitted_ms / ${dayHours * hourMs}`,
};

/** The same, out of a table of sums. */
const sumsCodeSql: Readonly<Record<SumsTable, Partial<Record<Grouping, string>>>> = {
  tally: { state: 'state', queue: 'queue', tenant: 'tenant', kind: 'kind' },
  node_tally: { state: 'state', node: 'node' },
  hourly: { state: 'state', hour: 'hour', day: `hour / ${dayHours}` },
};

function summed(database: Database, filter: TaskFilter, by: Grouping): Counted | undefined {
  const found = sumsAndCode(filter, by);
  if (!found) return undefined;
  const { where, parameters } = sumsWhere(database, filter, found.sums);
  const ofTenants = found.isByTenant ? where.replace('by_tenant = 0', 'by_tenant = 1') : where;
  const rows = database
    .prepare(`SELECT ${found.code} AS code, sum(n) AS n FROM ${found.sums} WHERE ${ofTenants} GROUP BY code`)
    .all(...parameters);
  return { counts: countsIn(rows), share: 1 };
}

interface SumsAndCode {
  readonly sums: SumsTable;
  readonly code: string;
  readonly isByTenant: boolean;
}

/** The table of sums that knows both filter and groups. */
function sumsAndCode(filter: TaskFilter, by: Grouping): SumsAndCode | undefined {
  const sums = sumsFor(filter);
  if (!sums) return undefined;
  const code = sumsCodeSql[sums][by];
  if (code !== undefined) return { sums, code, isByTenant: false };
  if (sums === 'hourly') return hourNames(filter, by);
  return sums === 'tally' ? beyondTally(filter, by) : undefined;
}

/** Hours know queues or tenants, not both. */
function hourNames({ queue, tenant }: TaskFilter, by: Grouping): SumsAndCode | undefined {
  const other = by === 'queue' ? tenant : by === 'tenant' ? queue : 'none';
  if (other !== undefined) return undefined;
  return { sums: 'hourly', code: 'name', isByTenant: by === 'tenant' };
}

/** What a filter without a time can be split by, that the tally of queues and tenants does not know. */
function beyondTally({ queue, tenant }: TaskFilter, by: Grouping): SumsAndCode | undefined {
  if (by === 'node' && queue === undefined && tenant === undefined)
    return { sums: 'node_tally', code: 'node', isByTenant: false };
  const code = sumsCodeSql.hourly[by];
  if (code === undefined || (queue !== undefined && tenant !== undefined)) return undefined;
  return { sums: 'hourly', code, isByTenant: false };
}

const countsIn = (rows: readonly Row[]): Counts =>
  new Map(rows.map((row) => [numberIn(row, 'code'), numberIn(row, 'n')]));

function walked(reading: Reading, search: Search, by: Grouping): Counted {
  const { database, walk, budget } = reading;
  const counts: Counts = new Map();
  let looked = 0;
  for (const segment of walk.segments(search, end)) {
    if (looked >= speakersMin && budget.isSpent) return { counts, share: shareOf(database, search, looked) };
    const found = search.readsRecord || isRare(reading, search, segment);
    const within = found ? matched(reading, search, segment, by) : scanned(database, search, segment, by);
    for (const [code, n] of within) counts.set(code, (counts.get(code) ?? 0) + n);
    looked += segment.rows;
  }
  return { counts, share: 1 };
}

/** Up to so many tasks are read one by one; for more the columns of the whole segment take less, about 3 ms. */
const readOneByOneMax = 256;

const isRare = ({ walk }: Reading, search: Search, segment: Segment): boolean =>
  segment.build !== 0 && search.keys.length > 0 && walk.places(search, segment).count() <= readOneByOneMax;

function scanned(database: Database, { where }: Search, { segment }: Segment, by: Grouping): Counts {
  const lowest = segment * segmentSize;
  const rows = database
    .prepare(
      `SELECT ${codeSql[by]} AS code, count(*) AS n FROM ended
        WHERE ${where.text} AND task_id >= ? AND task_id < ? GROUP BY code`,
    )
    .all(...where.parameters, lowest, lowest + segmentSize);
  return countsIn(rows);
}

function matched({ walk }: Reading, search: Search, segment: Segment, by: Grouping): Counts {
  const counts: Counts = new Map();
  for (const taskId of walk.idsThatMatch(search, segment)) {
    const row = walk.columns(search, taskId);
    if (!row) continue;
    const hour = Math.floor(row.submittedMs / hourMs);
    const code = by === 'hour' ? hour : by === 'day' ? Math.floor(hour / dayHours) : row[by];
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return counts;
}

function legacyGroups(reading: Reading, filter: TaskFilter, by: Grouping): TaskGroups {
  const { matches, share } = legacySample(reading, filter);
  const keys: string[] = [];
  const counts: Counts = new Map();
  for (const record of matches) {
    const key = keyOfRecord(record, by);
    let code = keys.indexOf(key);
    if (code < 0) code = keys.push(key) - 1;
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  const groups = [...counts].map(([code, n]) => ({ code, tasks: Math.round(n / Math.min(1, share)) }));
  const all = ordered(groups, by, { keyOf: (code) => keys[code] ?? '', isEstimate: share < 1 });
  if (by !== 'hour' && by !== 'day') return all;
  return { ...all, groups: [...all.groups].sort((a, b) => (a.key < b.key ? -1 : 1)) };
}

function keyOfRecord(record: TaskRecord, by: Grouping): string {
  const time = new Date(record.submittedAtMs).toISOString();
  const keys: Readonly<Record<Grouping, string>> = {
    state: record.state,
    queue: record.spec.queue,
    tenant: record.spec.tenant,
    node: record.attempts.at(-1)?.nodeId ?? '',
    kind: record.spec.work.kind,
    hour: time.slice(0, 'yyyy-mm-ddThh'.length),
    day: time.slice(0, 'yyyy-mm-dd'.length),
  };
  return keys[by];
}

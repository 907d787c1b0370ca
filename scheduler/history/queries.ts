// Lists and counts of ended tasks, on the reader's connection.
import { taskId as taskIdOf, type TaskId } from '../protocol/brands.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type { TaskFilter, TaskPage } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn, type Row, textIn } from '../sqlite/columns.ts';
import { endStatesOf, type Reach, type Sql, walkSql } from './filterSql.ts';
import { endedPerMinute, readLog } from './logQueries.ts';
import { traceOf } from './metricTrace.ts';
import type { Answers, Questions, ReaderQuestion, TaskCount } from './threadMessages.ts';

/** Rows that one page or count tests for a text: about 30 ms. A longer search goes on with the next page. */
const testedRowsMax = 50_000;
/** Up to here a count walks an index, about 20 ms; past it, it is an estimate. */
const countedRowsMax = 100_000;
const end = Number.MAX_SAFE_INTEGER;

export function readerAnswers(database: Database): Answers<ReaderQuestion> {
  return {
    list: (asks) => list(database, asks),
    count: (filter) => count(database, filter),
    get: (taskId) => get(database, taskId),
    readLog: (asks) => readLog(database, asks),
    endedPerMinute: (asks) => endedPerMinute(database, asks),
    trace: (ask) => traceOf(database, ask),
  };
}

const all = (database: Database, { text, parameters }: Sql): Row[] =>
  database.prepare(text).all(...parameters);
const recordIn = (row: Row): TaskRecord => JSON.parse(textIn(row, 'record')) as TaskRecord;

function get(database: Database, taskId: TaskId): TaskRecord | undefined {
  const row = database.prepare('SELECT record FROM task WHERE task_id = ?').get(taskId);
  return row && recordIn(row);
}

function list(database: Database, { filter, before, limit }: Questions['list']['asks']): TaskPage {
  const lowest = lowestOf(database, filter);
  if (endStatesOf(filter).length === 0 || lowest === undefined) return { rows: [] };
  const reach = { before: before ?? end, lowest, limit };
  const page = isSearch(filter) ? searchPage(database, filter, reach) : plainPage(database, filter, reach);
  return {
    rows: page.rows.map((row) => rowOfRecord(recordIn(row), 'none')),
    ...(page.next !== undefined && { nextBefore: page.next }),
  };
}

/**
 * The first task that was submitted at or after `sinceMs`: ids grow with the time of submission. Undefined: there is
 * none. (Where the clock was set back, tasks from before that may be left out.)
 */
function lowestOf(database: Database, { sinceMs }: TaskFilter): number | undefined {
  if (sinceMs === undefined) return 0;
  const row = database
    .prepare('SELECT task_id FROM task WHERE submitted_ms >= ? ORDER BY submitted_ms, task_id LIMIT 1')
    .get(sinceMs);
  return row && numberIn(row, 'task_id');
}

const needleOf = ({ text }: TaskFilter): string => text?.toLowerCase() ?? '';
const isSearch = (filter: TaskFilter): boolean => needleOf(filter) !== '';

interface Page {
  readonly rows: readonly Row[];
  readonly next: TaskId | undefined;
}

function plainPage(database: Database, filter: TaskFilter, reach: Reach): Page {
  const { limit } = reach;
  return pageOf(all(database, walkSql(filter, { ...reach, limit: limit + 1 }, 'task_id, record')), limit);
}

/** A page may be short, or empty, and still have a next one: the search then stopped at its bound. */
function searchPage(database: Database, filter: TaskFilter, reach: Reach): Page {
  const { limit } = reach;
  const tested = { ...reach, limit: testedRowsMax };
  const walk = walkSql(filter, tested, 'task_id, search, record');
  const rows = all(database, {
    text: `SELECT task_id, record FROM (${walk.text}) WHERE instr(search, ?) > 0 LIMIT ?`,
    parameters: [...walk.parameters, needleOf(filter), limit + 1],
  });
  if (rows.length > limit) return pageOf(rows, limit);
  const ids = walkSql(filter, tested, 'task_id');
  const [bound] = all(database, {
    text: `SELECT count(*) AS n, coalesce(min(task_id), 0) AS last FROM (${ids.text})`,
    parameters: ids.parameters,
  });
  const isBounded = bound !== undefined && numberIn(bound, 'n') === testedRowsMax;
  return { rows, next: isBounded ? taskIdOf(numberIn(bound, 'last')) : undefined };
}

/** Cuts the one row that was read to learn whether there are more. */
function pageOf(rows: readonly Row[], limit: number): Page {
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return { rows: page, next: last && taskIdOf(numberIn(last, 'task_id')) };
}

function count(database: Database, filter: TaskFilter): TaskCount {
  const lowest = lowestOf(database, filter);
  if (endStatesOf(filter).length === 0 || lowest === undefined) return { total: 0, isEstimate: false };
  if (isSearch(filter)) return countSearch(database, filter, lowest);
  if (filter.nodeId === undefined && filter.sinceMs === undefined)
    return { total: tallied(database, filter), isEstimate: false };
  const walk = walkSql(filter, { before: end, lowest, limit: countedRowsMax + 1 }, 'task_id');
  const [row] = all(database, {
    text: `SELECT count(*) AS n FROM (${walk.text})`,
    parameters: walk.parameters,
  });
  const total = row ? numberIn(row, 'n') : 0;
  return { total, isEstimate: total > countedRowsMax };
}

/** Tests the newest; past the bound they speak for the older ones. */
function countSearch(database: Database, filter: TaskFilter, lowest: number): TaskCount {
  const walk = walkSql(filter, { before: end, lowest, limit: testedRowsMax }, 'task_id, search');
  const [row] = all(database, {
    text: `SELECT count(*) AS n, coalesce(sum(instr(search, ?) > 0), 0) AS matches FROM (${walk.text})`,
    parameters: [needleOf(filter), ...walk.parameters],
  });
  if (!row) return { total: 0, isEstimate: false };
  const tested = numberIn(row, 'n');
  const matches = numberIn(row, 'matches');
  if (tested < testedRowsMax) return { total: matches, isEstimate: false };
  const base = count(database, { ...filter, text: '' }).total;
  return { total: Math.round((matches / tested) * base), isEstimate: true };
}

/** Tasks by state and queue, from the tallies that the writer keeps. */
function tallied(database: Database, filter: TaskFilter): number {
  const states = endStatesOf(filter);
  const isQueue = filter.queue === undefined ? '' : 'AND queue = ?';
  const [row] = all(database, {
    text: `SELECT coalesce(sum(n), 0) AS n FROM tally
      WHERE state IN (${states.map(() => '?').join(', ')}) ${isQueue}`,
    parameters: [...states, ...(filter.queue === undefined ? [] : [filter.queue])],
  });
  return row ? numberIn(row, 'n') : 0;
}

// What the reader answers, each from one moment of the file: pages of ended tasks, one task, and the rest by subject.
import { ms, nodeId, queueName, taskId as taskIdOf, type TaskId } from '../protocol/brands.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { rowOfRecord } from '../protocol/taskRow.ts';
import type { TaskFilter, TaskPage, TaskRow } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { countOf } from './counts.ts';
import type { EndedRow } from './endedRow.ts';
import { kindCodes, stateOfCode } from './facets.ts';
import { groupsOf } from './groups.ts';
import { hasLegacy, legacyPage, legacyRecord } from './legacyQueries.ts';
import { endedPerMinute, readLog } from './logQueries.ts';
import { traceOf } from './metricTrace.ts';
import { nameOfNumber } from './names.ts';
import { segmentSize } from './postings.ts';
import { recordFrom } from './records.ts';
import { Budget, pageBudgetMs, type Reading, textBudgetMs } from './reading.ts';
import { type Search, searchOf } from './search.ts';
import { type Match, SegmentWalk } from './segmentWalk.ts';
import type { Answers, Questions, ReaderQuestion } from './threadMessages.ts';

const end = Number.MAX_SAFE_INTEGER;

export interface ReaderOptions {
  /** For tests: how long a page may take. */
  readonly budgetMs: number | undefined;
  /** Told what is damaged and was left out. */
  readonly onDamage: (message: string) => void;
}

export function readerAnswers(database: Database, options: ReaderOptions): Answers<ReaderQuestion> {
  const walk = new SegmentWalk(database);
  const budgetOf = (filter: TaskFilter): Budget =>
    new Budget(options.budgetMs ?? (filter.text ? textBudgetMs : pageBudgetMs));
  const read = { database, walk };
  return {
    list: (asks) => inSnapshot(database, () => list({ ...read, budget: budgetOf(asks.filter) }, asks)),
    count: (filter) => inSnapshot(database, () => countOf({ ...read, budget: budgetOf(filter) }, filter)),
    groups: ({ filter, by }) =>
      inSnapshot(database, () => groupsOf({ ...read, budget: budgetOf(filter) }, filter, by)),
    get: (taskId) => inSnapshot(database, () => get(read, taskId)),
    readLog: (asks) => readLog(database, asks),
    endedPerMinute: (asks) => endedPerMinute(database, asks),
    oldestEndedMs: () => oldestEndedMs(database),
    trace: (ask) => traceOf(database, ask, options.onDamage),
  };
}

/** A build that is replaced meanwhile stays readable until the answer is complete. */
function inSnapshot<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN');
  try {
    return work();
  } finally {
    database.exec('COMMIT');
  }
}

function get({ database, walk }: Omit<Reading, 'budget'>, taskId: TaskId): TaskRecord | undefined {
  const record = walk.record(taskId);
  if (record || !hasLegacy(database)) return record;
  const text = legacyRecord(database, taskId);
  return text === undefined ? undefined : recordFrom(text);
}

function oldestEndedMs(database: Database): number | undefined {
  const row = database.prepare('SELECT min(ended_min) AS n FROM segment').get() ?? {};
  return row['n'] === null ? undefined : numberIn(row, 'n');
}

function list(reading: Reading, { filter, before, limit }: Questions['list']['asks']): TaskPage {
  const { database } = reading;
  const below = Math.min(before ?? end, end);
  if (hasLegacy(database)) return legacyPage(reading, { filter, before: below, limit });
  const search = searchOf(database, filter);
  if (search.isEmpty) return { rows: [] };
  const page = pageOf(reading, search, { before: below, limit });
  const rows = page.matches.map((match) => rowOfMatch(database, match));
  return {
    rows,
    ...(page.nextBefore !== undefined && { nextBefore: taskIdOf(page.nextBefore) }),
    ...(page.looked !== undefined && { looked: page.looked }),
  };
}

interface Page {
  readonly matches: readonly Match[];
  readonly nextBefore?: number;
  readonly looked?: number;
}

function pageOf(
  { walk, budget }: Reading,
  search: Search,
  { before, limit }: { before: number; limit: number },
): Page {
  const matches: Match[] = [];
  let looked = 0;
  for (const segment of walk.segments(search, before)) {
    const lowest = segment.segment * segmentSize;
    for (const match of walk.matches(search, segment, before)) {
      const isTask = typeof match !== 'number';
      // One more than the page, to learn whether there are more.
      if (isTask && matches.length === limit) return { matches, nextBefore: matches.at(-1)?.row.taskId ?? 0 };
      if (isTask) matches.push(match);
      else if (budget.isSpent)
        return { matches, nextBefore: match, looked: looked + lowest + segmentSize - match };
    }
    looked += segment.rows;
    if (budget.isSpent && lowest > 0) return { matches, nextBefore: lowest, looked };
  }
  return { matches };
}

export function rowOfMatch(database: Database, { row, record, damage }: Match): TaskRow {
  return record ? rowOfRecord(record, 'none') : rowOfColumns(database, row, damage ?? '');
}

/** What the columns tell of a task whose record is damaged. */
function rowOfColumns(database: Database, row: EndedRow, damage: string): TaskRow {
  const node = nameOfNumber(database, row.node);
  return {
    taskId: taskIdOf(row.taskId),
    name: '',
    kind: kindCodes[row.kind] ?? '',
    queue: queueName(nameOfNumber(database, row.queue)),
    tenant: nameOfNumber(database, row.tenant),
    priority: 0,
    state: stateOfCode(row.state),
    waiting: 'none',
    attempt: 0,
    attemptsMax: 0,
    ...(node !== '' && { nodeId: nodeId(node) }),
    submitter: '',
    submittedAtMs: ms(row.submittedMs),
    endedAtMs: ms(row.submittedMs + row.tookMs),
    reason: damage,
    labels: {},
  };
}

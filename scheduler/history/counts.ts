// How many ended tasks match: from tallies where they know it, else counted in the index, else estimated and marked.
import type { TaskFilter } from '../protocol/view.ts';
import type { Database } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { hasLegacy, legacySample } from './legacyQueries.ts';
import { segmentOf, segmentSize } from './postings.ts';
import type { Reading } from './reading.ts';
import { type Search, searchOf } from './search.ts';
import type { Segment } from './segmentBook.ts';
import { sumsFor, sumsWhere } from './sums.ts';
import type { TaskCount } from './threadMessages.ts';

const end = Number.MAX_SAFE_INTEGER;
/** Fewer tasks than this do not speak for others. */
export const speakersMin = 8_192;

export function countOf(reading: Reading, filter: TaskFilter): TaskCount {
  const { database } = reading;
  if (hasLegacy(database)) {
    const { matches, share } = legacySample(reading, filter);
    return scaled(matches.length, share);
  }
  const search = searchOf(database, filter);
  if (search.isEmpty) return { total: 0, isEstimate: false };
  const tallied = talliedCount(database, filter, search);
  return tallied === undefined ? walkedCount(reading, search) : { total: tallied, isEstimate: false };
}

/** `share`: of all tasks, how many were looked at. The newest then speak for the older ones. */
export const scaled = (found: number, share: number): TaskCount =>
  share >= 1
    ? { total: found, isEstimate: false }
    : { total: Math.round(found / Math.max(share, Number.EPSILON)), isEstimate: true };

function walkedCount({ database, walk, budget }: Reading, search: Search): TaskCount {
  let found = 0;
  let looked = 0;
  for (const segment of walk.segments(search, end)) {
    if (looked >= speakersMin && budget.isSpent) return scaled(found, shareOf(database, search, looked));
    found += countIn({ database, walk, budget }, search, segment);
    looked += segment.rows;
  }
  return { total: found, isEstimate: false };
}

/** Of the tasks in segments that the time and the ids of a search touch. */
export function shareOf(database: Database, search: Search, looked: number): number {
  const { sinceMs, untilMs, fromId, toId } = search;
  const row = database
    .prepare(
      `SELECT coalesce(sum(rows), 0) AS n FROM segment
        WHERE submitted_max >= ? AND submitted_min < ? AND segment >= ? AND segment <= ?`,
    )
    .get(sinceMs, untilMs, segmentOf(fromId), segmentOf(toId - 1));
  return looked / Math.max(1, row ? numberIn(row, 'n') : 0);
}

/** True: which tasks of the segment have the keys says how many match. */
const isTold = ({ isByKeys }: Search, segment: Segment): boolean =>
  segment.build !== 0 && isByKeys && segment.gone === 0 && !segment.isRagged;

function countIn(reading: Reading, search: Search, segment: Segment): number {
  const { database, walk } = reading;
  const isWhole = isWithin(search, segment);
  if (isWhole && search.keys.length === 0 && search.isByKeys) return segment.rows;
  if (isWhole && isTold(search, segment))
    return walk.places(search, segment).count() + lateCount(reading, search, segment);
  if (!search.readsRecord) return countColumns(database, search, segment.segment * segmentSize);
  let found = 0;
  for (const match of walk.matches(search, segment, end)) if (typeof match !== 'number') found += 1;
  return found;
}

function isWithin({ sinceMs, untilMs, fromId, toId }: Search, of: Segment): boolean {
  const lowest = of.segment * segmentSize;
  if (lowest < fromId || lowest + segmentSize > toId) return false;
  return of.submittedMin >= sinceMs && of.submittedMax < untilMs;
}

const lateCount = ({ walk }: Reading, search: Search, segment: Segment): number =>
  walk.lateThatMatch(search, segment).filter((taskId) => walk.columns(search, taskId)).length;

function countColumns(database: Database, { where }: Search, lowest: number): number {
  const row = database
    .prepare(`SELECT count(*) AS n FROM ended WHERE ${where.text} AND task_id >= ? AND task_id < ?`)
    .get(...where.parameters, lowest, lowest + segmentSize);
  return row ? numberIn(row, 'n') : 0;
}

/** From the sums that the writer keeps. Undefined: they do not tell it. */
function talliedCount(database: Database, filter: TaskFilter, search: Search): number | undefined {
  const sums = sumsFor(filter);
  if (!sums) return undefined;
  const { where, parameters } = sumsWhere(database, filter, sums);
  const row = database
    .prepare(`SELECT coalesce(sum(n), 0) AS n FROM ${sums} WHERE ${where}`)
    .get(...parameters);
  return row && !search.isEmpty ? numberIn(row, 'n') : 0;
}

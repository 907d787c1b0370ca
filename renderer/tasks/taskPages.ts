// A window of rows on a task list that may be millions long: keyset pages, extended by scrolling, jumped by the thumb.
// Positions after a jump are estimates (ids are spread evenly enough); they become exact again at either end.
import { shallowRef, type ShallowRef } from 'vue';
import { taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskList } from '../../scheduler/protocol/consoleAnswers.ts';
import { pageRowsMax } from '../../scheduler/protocol/limits.ts';
import type { TaskRow } from '../../scheduler/protocol/view.ts';

export type AskPage = (page: { before?: TaskId; limit: number }) => Promise<TaskList>;

/** Rows kept at a time: a few MB, whatever the length of the list. */
const rowsMax = 2_000;
const searchStepsMax = 24;

interface TaskSegment {
  /** Position of the first row in the whole list. */
  readonly base: number;
  readonly rows: readonly TaskRow[];
  /** Where older rows go on; undefined at the end of the list. */
  readonly next: TaskId | undefined;
  readonly total: number;
  readonly isEstimate: boolean;
  /** Rows that came on top since, as far as the totals tell. */
  readonly newer: number;
  readonly tookMs: number;
  readonly isLoaded: boolean;
  /** A search stopped at its bound before the page was full: `next` goes on. Then `total` is what was found so far. */
  readonly isCut: boolean;
  /** Tasks that pages which stopped at their bound looked at, together. */
  readonly looked: number;
}
const nothing: TaskSegment = {
  base: 0,
  rows: [],
  next: undefined,
  total: 0,
  isEstimate: false,
  newer: 0,
  tookMs: 0,
  isLoaded: false,
  isCut: false,
  looked: 0,
};

export interface TaskPages {
  readonly segment: Readonly<ShallowRef<TaskSegment>>;
  readonly rowAt: (position: number) => TaskRow | undefined;
  readonly positionOf: (id: TaskId) => number;
  /** Makes the rows of a range be there. One request at a time; a call while one runs is for the caller to repeat. */
  readonly ensure: (first: number, count: number) => Promise<void>;
  /** Reads the rows of a range anew: states change while one looks. */
  readonly refresh: (first: number, count: number) => Promise<void>;
  /** Goes on where a search stopped. */
  readonly searchOn: () => Promise<void>;
}

export function createTaskPages(ask: AskPage): TaskPages {
  const segment = shallowRef<TaskSegment>(nothing);
  let isBusy = false;

  const rowAt = (position: number) => segment.value.rows[position - segment.value.base];
  const positionOf = (id: TaskId) => {
    const at = segment.value.rows.findIndex((row) => row.taskId === id);
    return at < 0 ? -1 : at + segment.value.base;
  };
  /** One request at a time; an answer for a list that is gone is for nobody, since its filter made new pages. */
  async function alone(act: () => Promise<TaskSegment | undefined>): Promise<void> {
    if (isBusy) return;
    isBusy = true;
    try {
      const next = await act();
      if (next) segment.value = next;
    } finally {
      isBusy = false;
    }
  }
  return {
    segment,
    rowAt,
    positionOf,
    ensure: (first, count) => alone(() => extended(ask, segment.value, first, count)),
    refresh: (first, count) => alone(() => refreshed(ask, segment.value, first, count)),
    searchOn: () =>
      alone(() => (segment.value.isCut ? older(ask, segment.value) : Promise.resolve(undefined))),
  };
}

async function extended(ask: AskPage, now: TaskSegment, first: number, count: number) {
  const last = Math.min(first + count, now.total);
  const end = now.base + now.rows.length;
  if (!now.isLoaded) return topPage(ask, now);
  if (first >= now.base && last <= end) return undefined;
  if (first === 0) return topPage(ask, now);
  if (first >= now.base && first <= end && now.next !== undefined) return older(ask, now);
  if (first < now.base && last >= now.base) return newer(ask, now);
  return jumped(ask, now, Math.max(0, first - 50));
}

async function topPage(ask: AskPage, now: TaskSegment): Promise<TaskSegment> {
  const page = await ask({ limit: pageRowsMax });
  return { ...now, ...facts(page), base: 0, rows: page.rows, next: page.nextBefore, newer: 0 };
}

async function older(ask: AskPage, now: TaskSegment): Promise<TaskSegment> {
  const page = await ask({ ...(now.next === undefined ? {} : { before: now.next }), limit: pageRowsMax });
  const all = [...now.rows, ...page.rows];
  const rows = all.slice(-rowsMax);
  const base = now.base + all.length - rows.length;
  const isEnd = page.nextBefore === undefined;
  const { isCut, looked } = searchOf(page);
  const common = {
    ...now,
    tookMs: page.tookMs,
    rows,
    next: page.nextBefore,
    isCut,
    looked: now.looked + looked,
  };
  // What a search finds is counted as it is found; an estimate gives way to what was seen.
  if (now.isCut || isCut || (isEnd && now.isEstimate))
    return { ...common, base, total: Math.max(isCut || isEnd ? 0 : page.total, base + rows.length) };
  return { ...common, base: isEnd ? now.total - rows.length : base };
}

async function newer(ask: AskPage, now: TaskSegment): Promise<TaskSegment | undefined> {
  const [top] = now.rows;
  if (!top) return topPage(ask, now);
  const found: TaskRow[] = [];
  let before: TaskId | undefined = taskId(top.taskId + Math.ceil(pageRowsMax * idsPerRow(now.rows)) + 1);
  // A page that does not reach down to what we have leaves a gap: go on from its end.
  for (let step = 0; step < searchStepsMax && before !== undefined && before > top.taskId + 1; step++) {
    const page: TaskList = await ask({ before, limit: pageRowsMax });
    found.push(...page.rows.filter((row) => row.taskId > top.taskId));
    before = page.nextBefore;
  }
  if (found.length === 0) return topPage(ask, now);
  const rows = [...found, ...now.rows].slice(0, rowsMax);
  const lastKept = rows.at(-1)?.taskId;
  const next = rows.length === found.length + now.rows.length ? now.next : lastKept;
  return { ...now, base: Math.max(0, now.base - found.length), rows, next };
}

/** A page far away: its id is guessed from how ids are spread, then corrected until there are rows. */
async function jumped(ask: AskPage, now: TaskSegment, position: number): Promise<TaskSegment> {
  const [top] = now.rows;
  if (!top) return topPage(ask, now);
  const wantsEnd = position + pageRowsMax >= now.total;
  let high = top.taskId + now.base * idsPerRow(now.rows) + 1;
  let low = 1;
  let before = Math.round(high - position * ((high - low) / Math.max(1, now.total)));
  for (let step = 0; step < searchStepsMax; step++) {
    const page = await ask({ before: taskId(Math.max(1, before)), limit: pageRowsMax });
    const isEnd = page.nextBefore === undefined;
    const isRight = page.rows.length > 0 && (isEnd || !wantsEnd);
    if (isRight || high - low <= 1) {
      const base = isEnd ? Math.max(0, now.total - page.rows.length) : position;
      return { ...now, tookMs: page.tookMs, base, rows: page.rows, next: page.nextBefore };
    }
    if (page.rows.length === 0) low = before;
    else high = before;
    before = Math.round((low + high) / 2);
  }
  return topPage(ask, now);
}

async function refreshed(ask: AskPage, now: TaskSegment, first: number, count: number) {
  if (!now.isLoaded || first === 0)
    return mergedTop(now, await ask({ limit: Math.min(pageRowsMax, count + 20) }));
  const at = Math.max(0, first - now.base);
  const from = now.rows[at];
  if (!from) return extended(ask, now, first, count);
  const page = await ask({ before: taskId(from.taskId + 1), limit: Math.min(pageRowsMax, count) });
  const fresh = new Map(page.rows.map((row) => [row.taskId, row]));
  const rows = now.rows.map((row) => fresh.get(row.taskId) ?? row);
  return { ...now, tookMs: page.tookMs, rows, newer: Math.max(0, page.total - now.total) };
}

/** New rows on top of those already read; where they do not meet, the old ones are let go. */
function mergedTop(now: TaskSegment, page: TaskList): TaskSegment {
  const bottom = page.rows.at(-1);
  const [oldTop] = now.base === 0 ? now.rows : [];
  const meets = bottom !== undefined && oldTop !== undefined && bottom.taskId <= oldTop.taskId;
  const kept = meets ? now.rows.filter((row) => row.taskId < bottom.taskId) : [];
  const rows = [...page.rows, ...kept].slice(0, rowsMax);
  const next = kept.length === 0 ? page.nextBefore : rows.length < rowsMax ? now.next : rows.at(-1)?.taskId;
  return { ...now, ...facts(page), base: 0, rows, next, newer: 0 };
}

function facts(page: TaskList) {
  const search = searchOf(page);
  return {
    total: search.isCut ? page.rows.length : page.total,
    isEstimate: search.isCut || page.totalIsEstimate,
    tookMs: page.tookMs,
    isLoaded: true,
    ...search,
  };
}

const searchOf = ({ looked, nextBefore }: TaskList) => ({
  isCut: looked !== undefined && nextBefore !== undefined,
  looked: looked ?? 0,
});

/** How far ids lie apart in these rows: 1 in a list without a filter. */
function idsPerRow(rows: readonly TaskRow[]): number {
  const first = rows.at(0);
  const last = rows.at(-1);
  if (!first || !last || rows.length < 2) return 1;
  return Math.max(1, (first.taskId - last.taskId) / (rows.length - 1));
}

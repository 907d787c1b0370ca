// One list over live tasks (engine) and ended tasks (history): newest first, by keyset, each task once.
import type { TaskId } from '../protocol/brands.ts';
import type { Params } from '../protocol/consoleWire.ts';
import type { TaskList } from '../protocol/consoleAnswers.ts';
import type { SchedulerView, TaskFilter } from '../protocol/view.ts';
import type { ConsolePorts, ListPage } from './ports.ts';
import { splitFilter } from './splitFilter.ts';

const nothing = { rows: [], total: 0, isEstimate: false };

/** A task that is live and in history (it was put back, or ended just now) is shown as live. */
export async function listTasks(params: Params<'listTasks'>, ports: ConsolePorts): Promise<TaskList> {
  const asOfMs = ports.clock();
  const { before, limit } = params;
  const { live, ended } = splitFilter(params.filter);
  // Live ones first: what ends in between is then seen by history, and by both rather than by none.
  const livePage = live === undefined ? nothing : ports.view.liveTasks(live, before, limit);
  const liveTotal = live === undefined || before === undefined ? livePage.total : totalOf(live, ports.view);
  const [endedPage, endedCount] = await Promise.all([
    ended === undefined ? nothing : ports.history.list(ended, before, limit),
    ended === undefined ? nothing : ports.history.count(ended),
  ]);
  // One that was put back has its old end in history; it is live now, whatever states were asked for.
  const rows = endedPage.rows.filter((row) => ports.view.taskRow(row.taskId) === undefined);
  return {
    ...mergePages(livePage, { ...endedPage, rows }, limit),
    total: liveTotal + endedCount.total,
    totalIsEstimate: endedCount.isEstimate,
    asOfMs,
    tookMs: ports.clock() - asOfMs,
  };
}

/** Rows of both, newest first, the live one where both have it. Never goes below what either has not told yet. */
function mergePages(live: ListPage, ended: ListPage, limit: number): ListPage {
  const horizon = Math.max(live.nextBefore ?? 0, ended.nextBefore ?? 0) as TaskId;
  const isLive = new Set(live.rows.map((row) => row.taskId));
  const merged = [...live.rows, ...ended.rows.filter((row) => !isLive.has(row.taskId))]
    .filter((row) => row.taskId >= horizon)
    .sort((a, b) => b.taskId - a.taskId);
  const rows = merged.slice(0, limit);
  const last = rows.at(-1);
  if (merged.length > limit && last !== undefined) return { rows, nextBefore: last.taskId };
  if (horizon === 0) return { rows };
  // Short of its rows: one of both stopped at its bound. A page that is full all the same has nothing to explain.
  const looked = (live.looked ?? 0) + (ended.looked ?? 0);
  return { rows, nextBefore: horizon, ...(looked > 0 && rows.length < limit && { looked }) };
}

/** A page below a cursor tells only how many match below it. */
const totalOf = (filter: TaskFilter, view: SchedulerView): number =>
  view.liveTasks(filter, undefined, 1).total;

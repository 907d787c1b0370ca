// A history on its real file and threads, ended tasks of many kinds, and what a plain search in memory would find.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as v from 'valibot';
import { expect, onTestFinished, vi } from 'vitest';
import { type History, type HistoryOptions, openHistory } from '../../scheduler/history/store.ts';
import { ms, nodeId, taskId, type TaskId, token } from '../../scheduler/protocol/brands.ts';
import { type TaskRecord, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { searchTextOf } from '../../scheduler/protocol/taskRow.ts';
import type { TaskFilter } from '../../scheduler/protocol/view.ts';

export const threadFile = new URL('../../scheduler/history/historyThread.ts', import.meta.url);
export const startMs = Date.UTC(2026, 0, 1);
/** Tasks in one segment of the index, scheduler/history/postings.ts. */
export const segmentRows = 16_384;

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-history-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

export async function opened(folder: string, more: Partial<HistoryOptions> = {}): Promise<History> {
  const onFailure = (cause: { readonly message: string }): void => {
    throw new Error(cause.message);
  };
  const outcome = await openHistory({ folder, threadFile, onFailure, ...more });
  if (!outcome.ok) throw new Error(outcome.reason.message);
  onTestFinished(() => outcome.value.close());
  return outcome.value;
}

const plain = v.parse(taskSpecSchema, { work: { kind: 'command', argv: ['weld'] } });
const states = ['succeeded', 'dead_letter', 'succeeded', 'cancelled', 'succeeded'] as const;

/** An array whose elements lie in two segments of the index. */
export const arrayId = taskId(16_299);
const arraySize = 201;
const groupOf = (id: number): Pick<TaskRecord, 'group'> => {
  const index = id - arrayId - 1;
  if (index < 0 || index >= arraySize) return {};
  return { group: { kind: 'array', groupId: arrayId, index, size: arraySize } };
};
/** Some have a deadline, and of those some miss it. */
const deadlineOf = (id: number, submittedAtMs: number): Pick<TaskRecord['spec'], 'deadlineMs'> =>
  id % 37 === 5 ? { deadlineMs: submittedAtMs + 500 } : {};

/** Task `id` is submitted in second `id`, runs for a while that depends on it, and has its id in its program line. */
export function task(id: number, more: Partial<TaskRecord['spec']> = {}): TaskRecord {
  const submittedAtMs = ms(startMs + id * 1_000);
  const endedAtMs = ms(submittedAtMs + 50 + (id % 977));
  return {
    taskId: taskId(id),
    spec: v.parse(taskSpecSchema, {
      ...plain,
      name: id % 100 === 0 ? 'Türschweller 焊接' : `seam-${id % 7}`,
      queue: `queue-${id % 11}`,
      tenant: `tenant-${id % 3}`,
      work: {
        kind: 'command',
        argv: ['/opt/plant/bin/weld', `--job=${id}`, id % 5_000 === 7 ? 'needle' : 'hay'],
      },
      labels: { part: `P${id % 400}`, shift: id % 2 === 0 ? 'early' : 'late' },
      ...deadlineOf(id, submittedAtMs),
      ...more,
    }),
    ...groupOf(id),
    submitter: 'anna',
    state: states[id % states.length] ?? 'succeeded',
    submittedAtMs,
    endedAtMs,
    attempts: [
      {
        attempt: 1,
        token: token(id),
        nodeId: nodeId(`N${id % 23}`),
        placedAtMs: submittedAtMs,
        startedAtMs: ms(submittedAtMs + 5),
        endedAtMs,
        end: { reason: 'exit', exitCode: id % states.length === 1 ? 3 : 0, runMs: ms(45 + (id % 977)) },
      },
    ],
  };
}
export const tasks = (from: number, to: number): TaskRecord[] =>
  Array.from({ length: to - from + 1 }, (_, place) => task(from + place));

export function matches(filter: TaskFilter, record: TaskRecord): boolean {
  const { spec, state } = record;
  const { states = [state], text = '', labels = {} } = filter;
  const wanted = { queue: spec.queue, tenant: spec.tenant, nodeId: record.attempts[0]?.nodeId };
  return (
    states.includes(state) &&
    Object.entries(wanted).every(
      ([name, value]) => (filter[name as keyof typeof wanted] ?? value) === value,
    ) &&
    isInTime(filter, record.submittedAtMs) &&
    isOfGroup(filter, record) &&
    (filter.missedDeadline !== true || isLate(record)) &&
    Object.entries(labels).every(([label, value]) => spec.labels[label] === value) &&
    searchTextOf(spec).includes(text.toLowerCase())
  );
}
const isOfGroup = ({ groupId }: TaskFilter, { group }: TaskRecord): boolean =>
  groupId === undefined || groupId === group?.groupId;
const isLate = ({ spec, endedAtMs = ms(0) }: TaskRecord): boolean =>
  endedAtMs > (spec.deadlineMs ?? Infinity);
const isInTime = ({ sinceMs, untilMs }: TaskFilter, atMs: number): boolean =>
  atMs >= (sinceMs ?? 0) && atMs < (untilMs ?? Infinity);

/** Ids of all pages from the newest on, and how many pages stopped at their bound. */
export async function idsOf(
  history: History,
  filter: TaskFilter,
  limit = 200,
): Promise<{ readonly ids: number[]; readonly stops: number }> {
  const ids: number[] = [];
  let stops = 0;
  let before: TaskId | undefined;
  do {
    const page = await history.list(filter, before, limit);
    expect(page.rows.length).toBeLessThanOrEqual(limit);
    if (before !== undefined && page.nextBefore !== undefined) expect(page.nextBefore).toBeLessThan(before);
    if (page.looked !== undefined) stops += 1;
    ids.push(...page.rows.map((row) => row.taskId));
    before = page.nextBefore;
  } while (before !== undefined);
  return { ids, stops };
}

/** Once at most so many tasks are outside of the index. */
export async function indexed(history: History, unindexedMax: number): Promise<void> {
  await history.flushed();
  const left = (): void => {
    expect(history.stats().unindexed).toBeLessThanOrEqual(unindexedMax);
  };
  await vi.waitFor(left, { timeout: 50_000, interval: 100 });
}

export async function retained(
  history: History,
  bounds: Parameters<History['retain']>[0],
  nowMs = startMs,
): Promise<{ tasks: number; pieces: number }> {
  const sum = { tasks: 0, pieces: 0 };
  for (;;) {
    const chunk = await history.retain(bounds, ms(nowMs));
    sum.tasks += chunk.tasksDropped;
    sum.pieces += chunk.piecesDropped;
    if (chunk.isDone) return sum;
  }
}

// The list over live and ended tasks: each task once, newest first, whatever the pages are cut to.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskList } from '../../scheduler/protocol/consoleAnswers.ts';
import { openConsole, pageOf, recordOf, type ConsoleStage } from './consoleStage.ts';

async function readAll(stage: ConsoleStage, limit: number, filter = {}): Promise<TaskList[]> {
  const pages: TaskList[] = [];
  let before: number | undefined;
  do {
    const params = { limit, filter, ...(before !== undefined && { before }) };
    const page = (await stage.result('listTasks', params)) as TaskList;
    pages.push(page);
    before = page.nextBefore;
  } while (before !== undefined);
  return pages;
}

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 200 }), { maxLength: 60 });

test('paging over live and ended tasks gives each once, in order, and a task that is both as live', async () => {
  await fc.assert(
    fc.asyncProperty(ids, ids, fc.integer({ min: 1, max: 20 }), async (liveIds, endedIds, limit) => {
      const stage = openConsole();
      for (const id of endedIds) stage.ended.set(id, recordOf(id, 'dead_letter'));
      for (const id of liveIds) stage.live.set(id, recordOf(id, 'running'));
      const pages = await readAll(stage, limit);
      const expected = [...new Set([...liveIds, ...endedIds])].sort((a, b) => b - a);
      const rows = pages.flatMap((page) => page.rows);
      expect(rows.map((row) => row.taskId)).toEqual(expected);
      for (const row of rows) expect(row.state).toBe(stage.live.has(row.taskId) ? 'running' : 'dead_letter');
      for (const page of pages) {
        expect(page.rows.length).toBeLessThanOrEqual(limit);
        expect(page.total).toBe(liveIds.length + endedIds.length);
      }
    }),
    { numRuns: 100 },
  );
});

test('a history that gives short pages hides nothing and doubles nothing', async () => {
  await fc.assert(
    fc.asyncProperty(ids, ids, fc.integer({ min: 1, max: 20 }), async (liveIds, endedIds, limit) => {
      const stage = openConsole();
      const short = openConsole(portsWithShortPages(stage));
      for (const id of endedIds) stage.ended.set(id, recordOf(id, 'dead_letter'));
      for (const id of liveIds) stage.live.set(id, recordOf(id, 'running'));
      const rows = (await readAll(short, limit)).flatMap((page) => page.rows);
      const expected = [...new Set([...liveIds, ...endedIds])].sort((a, b) => b - a);
      expect(rows.map((row) => row.taskId)).toEqual(expected);
    }),
    { numRuns: 50 },
  );
});

/** The ports of `stage`, with a history that stops its search after two rows and says where. */
function portsWithShortPages(stage: ConsoleStage) {
  return {
    view: {
      taskRow: (id: number) => (stage.live.has(id) ? {} : undefined),
      liveTasks: (filter: object, before: number | undefined, limit: number) =>
        pageOf(stage.live, filter, before, limit),
    } as never,
    history: {
      list: (filter: object, before: number | undefined, limit: number) =>
        Promise.resolve(pageOf(stage.ended, filter, before, Math.min(2, limit))),
      count: () => Promise.resolve({ total: stage.ended.size, isEstimate: true }),
      endedPerMinute: () => Promise.resolve([]),
    } as never,
  };
}

test('states decide who is asked: only live, only ended, or both', async () => {
  const stage = openConsole();
  stage.live.set(3, recordOf(3, 'running'));
  stage.live.set(2, recordOf(2, 'ready'));
  stage.ended.set(1, recordOf(1, 'cancelled'));
  const idsOf = async (states: string[]) => {
    const [page] = await readAll(stage, 10, { states });
    return [page?.rows.map((row) => row.taskId), page?.total];
  };
  expect(await idsOf(['running'])).toEqual([[3], 1]);
  expect(await idsOf(['cancelled', 'dead_letter'])).toEqual([[1], 1]);
  expect(await idsOf(['ready', 'cancelled'])).toEqual([[2, 1], 2]);
  expect(await idsOf([])).toEqual([[3, 2, 1], 3]);
});

test('a task that was put back is not listed with its old end', async () => {
  const stage = openConsole();
  stage.live.set(1, recordOf(1, 'ready'));
  stage.ended.set(1, recordOf(1, 'dead_letter'));
  const [page] = await readAll(stage, 10, { states: ['dead_letter'] });
  expect(page?.rows).toEqual([]);
});

test('a page says as of when it is, and how long it took', async () => {
  const stage = openConsole();
  stage.live.set(1, recordOf(1, 'ready'));
  const page = (await stage.result('listTasks', { before: taskId(2) })) as TaskList;
  expect(page).toMatchObject({ asOfMs: 1_000_000, tookMs: 0, total: 1, totalIsEstimate: false });
});

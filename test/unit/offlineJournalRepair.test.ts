// A journal damaged in the middle, from the refusal to a host that runs again, with the real programs.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { Batch } from '../../scheduler/protocol/events.ts';
import { hostOn, millrace, newFolder, type RunningHost, startHost } from './support/hostProcess.ts';

const submit = async (host: RunningHost, runMs: number): Promise<number> => {
  const { taskId } = await host.ask('POST', '/tasks', { work: { kind: 'simulated', runMs } });
  return taskId as number;
};
async function statesOf(host: RunningHost, taskIds: readonly number[]): Promise<string[]> {
  const { standings } = await host.ask('POST', '/tasks/states', { taskIds });
  return (standings as { state: string }[]).map(({ state }) => state);
}
async function untilEnded(host: RunningHost, taskIds: readonly number[]): Promise<void> {
  const untilMs = Date.now() + 20_000;
  while ((await statesOf(host, taskIds)).some((state) => state !== 'succeeded')) {
    if (Date.now() > untilMs) throw new Error('the tasks do not end');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Of the row in which half of the tasks have ended. */
function flipInTheMiddle(folder: string, ended: number): number {
  const database = new DatabaseSync(join(folder, 'journal.db'));
  const rows = database.prepare('SELECT id, payload FROM row ORDER BY id').all();
  let succeeded = 0;
  const found = rows.find(({ payload }) => {
    succeeded +=
      Buffer.from(payload as Uint8Array)
        .toString()
        .split('task_succeeded').length - 1;
    return succeeded > ended / 2;
  });
  const bytes = Buffer.from(found?.['payload'] as Uint8Array);
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  const id = Number(found?.['id']);
  database.prepare('UPDATE row SET payload = ? WHERE id = ?').run(bytes, id);
  database.close();
  expect(id).toBeGreaterThan(1);
  expect(id).toBeLessThan(rows.length);
  return id;
}

/** But for the index that SQLite keeps for readers of a log: it holds nothing of ours. */
const filesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => /^(journal|history)\.db(-wal)?$/.test(name))
    .sort()
    .map((name) => `${name} ${hashOf(join(folder, name))}`);
const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

async function batchesOf(folder: string): Promise<Batch[]> {
  const { out, code } = await millrace(['journal', 'export', '--data', folder]);
  expect(code).toBe(0);
  return out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Batch);
}

test('a bit flipped in the middle: refused, named, repaired, and nothing that ended comes back', async () => {
  const folder = newFolder();
  const first = await startHost(folder);
  await first.addNode('V/1');
  const ended: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const ids = await Promise.all([submit(first, 5), submit(first, 5), submit(first, 5)]);
    await untilEnded(first, ids);
    ended.push(...ids);
  }
  const live = await submit(first, 3_600_000);
  const running = await millrace(['journal', 'verify', '--data', folder]);
  expect(running).toMatchObject({ code: 6, out: '' });
  expect(running.said).toContain(`the host of ${folder} runs`);
  await first.kill();

  const row = flipInTheMiddle(folder, ended.length);
  const refused = await hostOn(folder);
  expect(refused.code).toBe(2);
  expect(refused.said).toMatch(new RegExp(`is damaged: row ${row} \\(batches \\d+ to \\d+\\): its checksum`));
  expect(refused.said).toContain(`millrace journal repair --data ${folder}`);

  const before = filesIn(folder);
  const verified = await millrace(['journal', 'verify', '--data', folder]);
  expect(verified.code).toBe(1);
  expect(verified.out).toContain(`DAMAGED     row ${row} (batches`);
  const asked = await millrace(['journal', 'repair', '--data', folder]);
  expect(asked).toMatchObject({ code: 6 });
  expect(asked.out).toContain('are lost');
  expect(filesIn(folder)).toEqual(before);

  const repaired = await millrace(['journal', 'repair', '--data', folder, '--yes', '--json']);
  expect(repaired.said).toBe('');
  expect(repaired.code).toBe(0);
  const { kept, endedByHistory, nextTaskId, nextToken } = JSON.parse(repaired.out) as Record<string, number>;
  expect(endedByHistory).toBeGreaterThan(0);
  // What was damaged is there to be looked at, byte for byte.
  expect(before).toContain(`journal.db ${hashOf(String(kept))}`);
  expect(await millrace(['journal', 'verify', '--data', folder])).toMatchObject({ code: 0 });
  expect(await millrace(['journal', 'repair', '--data', folder, '--yes'])).toMatchObject({ code: 0 });

  const second = await startHost(folder);
  await second.addNode('V/1');
  expect(await statesOf(second, ended)).toEqual(ended.map(() => 'succeeded'));
  const listed = await second.ask('GET', '/tasks?limit=200');
  const rows = listed['tasks'] ?? listed['rows'];
  const ids = (rows as { taskId: number; state: string }[]).map(({ taskId }) => taskId);
  expect(ids.filter((id) => ended.includes(id)).length).toBe(ended.length);
  const again = await submit(second, 5);
  expect(again).toBeGreaterThanOrEqual(nextTaskId ?? Infinity);
  expect(again).toBeGreaterThan(live + 1_000_000);
  await untilEnded(second, [again]);
  await second.kill();

  const placed = (await batchesOf(folder)).flatMap(({ events }) =>
    events.flatMap((event) => (event.kind === 'attempt_placed' ? [event] : [])),
  );
  const tokens = placed.filter(({ taskId }) => taskId === again).map(({ token }) => token);
  expect(tokens.length).toBe(1);
  expect(tokens[0]).toBeGreaterThanOrEqual(nextToken ?? Infinity);
}, 60_000);

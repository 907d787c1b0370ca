// The end of the simulated plant in history: its tasks, their output and their counts go; what was real stays.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type History, openHistory } from '../../scheduler/history/store.ts';
import { ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { taskSpec } from './coreStage.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-simulated-'));
const threadFile = new URL('../../scheduler/history/historyThread.ts', import.meta.url);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const atMs = ms(1_750_000_000_000);
function ended(id: number, work: object): TaskRecord {
  const attempt = { attempt: 1, token: token(id), nodeId: nodeId('n1'), placedAtMs: atMs, endedAtMs: atMs };
  return {
    taskId: taskId(id),
    spec: taskSpec({ work }),
    submitter: 'test',
    state: 'succeeded',
    submittedAtMs: atMs,
    endedAtMs: atMs,
    attempts: [{ ...attempt, end: { reason: 'exit', exitCode: 0 } }],
  };
}
const real = { kind: 'command', argv: ['true'] };
const simulated = { kind: 'simulated', runMs: 1 };

async function dropAll(history: History): Promise<number[]> {
  const chunks: number[] = [];
  for (;;) {
    const { dropped, left } = await history.dropSimulated();
    chunks.push(dropped);
    if (left === 0) return chunks;
  }
}

test('simulated tasks go in chunks, with their output and counts; real ones, also among them, stay', async () => {
  const opened = await openHistory({ folder, threadFile, onFailure: () => undefined });
  if (!opened.ok) throw new Error(opened.reason.message);
  const history = opened.value;
  const records = Array.from({ length: 1_210 }, (_, i) => ended(i + 1, i % 121 === 0 ? real : simulated));
  history.recordEnded(1, records);
  const text = { stream: 'stdout', offset: 0, bytes: 2, text: 'hi', atMs } as const;
  await history.appendLog([
    { ...text, taskId: taskId(1), token: token(1) },
    { ...text, taskId: taskId(2), token: token(2) },
  ]);
  expect(await dropAll(history)).toEqual([500, 500, 200]);
  const { rows } = await history.list({}, undefined, 200);
  expect(rows.map((row) => row.kind)).toEqual(Array.from({ length: 10 }, () => 'command'));
  expect(await history.count({})).toEqual({ total: 10, isEstimate: false });
  expect(history.stats()).toMatchObject({ tasks: 10, logBytes: 2 });
  expect((await history.readLog(token(1), 0, 5)).pieces).toHaveLength(1);
  expect((await history.readLog(token(2), 0, 5)).pieces).toEqual([]);
  expect(await history.lastHour(atMs)).toEqual({ succeeded: 10, deadLettered: 0, cancelled: 0 });
  expect(await dropAll(history)).toEqual([0]);
  await history.close();
});

// The flight recorder over a real journal: what it keeps, what it shows, and what damage does to it.
import { copyFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ms } from '../../scheduler/protocol/brands.ts';
import { change, RecorderStage } from './recorderStage.ts';

test('every batch of the record gives the digest that the live core had, forwards, backwards and between', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  for (let round = 0; round < 12; round += 1) {
    await stage.work(3);
    if (round % 4 === 3) await stage.snapshot();
  }
  const asked = [...stage.marks, ...[...stage.marks].reverse()];
  for (const { atMs, sequence, digest } of asked)
    expect(await stage.at(atMs + 1)).toEqual({ sequence, digest });
  expect(await stage.recorder.state()).toMatchObject({
    isOn: true,
    reachesBackToMs: stage.marks[0]?.atMs,
    untilMs: stage.marks.at(-1)?.atMs,
    gaps: 0,
    notices: [],
  });
  await stage.close();
});

test('a past has queues, nodes, tasks, reasons and a heat map of then', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  const before = await stage.turn([]);
  await stage.work(200);
  const asks = { atMs: ms(stage.marks.at(-2)?.atMs ?? 0) };
  const { recorder } = stage;
  const then = await recorder.ask('seekRecorder', { ...asks, withDigest: false });
  expect(then).toMatchObject({
    ok: true,
    value: { nodes: { total: 2, online: 2 }, tasks: { dispatched: 80 } },
  });
  const tasks = await recorder.ask('recorderTasks', { ...asks, filter: {}, limit: 500 });
  expect(tasks).toMatchObject({ ok: true, value: { total: 200 } });
  const last = tasks.ok ? tasks.value.rows[0] : undefined;
  if (!last) throw new Error('no tasks then');
  const why = await recorder.ask('recorderWhy', { ...asks, taskId: last.taskId });
  expect(why).toMatchObject({ ok: true, value: { taskId: last.taskId, registered: 2 } });
  const frame = await recorder.ask('recorderFrame', { ...asks, metric: 'tasks' });
  const topology = await recorder.ask('recorderTopology', asks);
  if (!frame.ok || !topology.ok) throw new Error('refused');
  expect([...frame.value.values]).toEqual([40, 40]);
  expect(frame.value.topologyEpoch).toBe(topology.value.topologyEpoch);
  expect(topology.value.lines.map(({ name }) => name)).toEqual(['L0', 'L1']);
  const nodes = await recorder.ask('recorderNodes', { ...asks, offset: 0, limit: 10 });
  expect(nodes).toMatchObject({ ok: true, value: { total: 2 } });
  expect(await recorder.ask('recorderWhy', { atMs: ms(before.atMs), taskId: last.taskId })).toMatchObject({
    ok: false,
    reason: { code: 'unknown_task' },
  });
  await stage.close();
});

test('what is older than the bounds goes, up to the newest snapshot that still covers them', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  for (let round = 0; round < 9; round += 1) {
    await stage.work(3);
    if (round % 3 === 2) await stage.snapshot();
    await stage.recorder.state();
  }
  const whole = await stage.recorder.state();
  stage.recorder.setBounds({ keepMs: 1, bytesMax: 2 ** 30 });
  const bounded = await stage.recorder.state();
  // The clock of the machine is far past these times: only what the newest start needs is kept.
  expect(bounded.snapshots).toBe(1);
  expect(bounded.bytes).toBeLessThan(whole.bytes);
  expect(bounded.reachesBackToMs).toBeGreaterThan(whole.reachesBackToMs ?? 0);
  const { atMs, sequence, digest } = stage.marks.at(-1) ?? { atMs: 0, sequence: 0, digest: '' };
  expect(await stage.at(atMs)).toEqual({ sequence, digest });
  expect(await stage.at(stage.marks[0]?.atMs ?? 0)).toContain('the record reaches back to');
  await stage.close();
});

test('what is beyond the bytes goes, oldest first', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  for (let round = 0; round < 30; round += 1) {
    await stage.work(20);
    if (round % 5 === 4) await stage.snapshot();
    await stage.recorder.state();
  }
  const whole = await stage.recorder.state();
  stage.recorder.setBounds({ keepMs: Number.MAX_SAFE_INTEGER, bytesMax: Math.ceil(whole.bytes / 2) });
  const bounded = await stage.recorder.state();
  expect(bounded.bytes).toBeLessThanOrEqual(whole.bytes / 2);
  expect(bounded.bytes).toBeGreaterThan(0);
  expect(bounded.untilMs).toBe(whole.untilMs);
  await stage.close();
});

test('a damaged block is named, and what another snapshot leads to is still shown', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  for (let round = 0; round < 6; round += 1) {
    await stage.work(3);
    await stage.recorder.state();
    if (round === 2) await stage.snapshot();
  }
  await stage.recorder.state();
  const damagedMs = stage.marks[4]?.atMs ?? 0;
  change(stage.folder, (database) => {
    database
      .prepare('UPDATE block SET payload = substr(payload, 1, 8) WHERE from_ms <= ? AND to_ms >= ?')
      .run(damagedMs, damagedMs);
  });
  expect(await stage.at(damagedMs)).toMatch(/batches \d+ to \d+ are damaged: their checksum does not match/);
  const { atMs, sequence, digest } = stage.marks.at(-1) ?? { atMs: 0, sequence: 0, digest: '' };
  expect(await stage.at(atMs)).toEqual({ sequence, digest });
  const { notices } = await stage.recorder.state();
  expect(notices.join()).toContain('are damaged');
  await stage.close();
});

test('a damaged snapshot is gone around by the one before it', async () => {
  const stage = await new RecorderStage().open();
  await stage.begin();
  await stage.work(3);
  await stage.snapshot();
  await stage.work(3);
  await stage.snapshot();
  await stage.work(3);
  await stage.recorder.state();
  change(stage.folder, (database) => {
    database.exec(
      `UPDATE snapshot_part SET crc = crc + 1 WHERE sequence = (SELECT max(sequence) FROM snapshot)`,
    );
  });
  const { atMs, sequence, digest } = stage.marks.at(-1) ?? { atMs: 0, sequence: 0, digest: '' };
  expect(await stage.at(atMs)).toEqual({ sequence, digest });
  expect((await stage.recorder.state()).notices.join()).toMatch(/snapshot \d+ is damaged/);
  await stage.close();
});

test('a disk without room ends the recording and not the journal', async () => {
  const stage = await new RecorderStage().open({ pagesMax: 12 });
  await stage.begin();
  for (let round = 0; round < 40; round += 1) {
    await stage.work(20);
    await stage.recorder.state();
  }
  expect(await stage.recorder.state()).toMatchObject({
    isOn: false,
    message: expect.stringContaining('full') as string,
  });
  expect(stage.journal.stats().durableSequence).toBe(stage.core.state.sequence);
  await stage.close();
});

test('once there is room again recording goes on, and a time after that can be looked at', async () => {
  const stage = await new RecorderStage().open({ pagesMax: 40 });
  await stage.begin();
  for (let round = 0; stage.recorder.failure === undefined; round += 1) {
    expect(round).toBeLessThan(200);
    await stage.work(20);
    await stage.snapshot();
    await stage.recorder.state();
  }
  stage.recorder.setBounds({ bytesMax: 1, keepMs: Number.MAX_SAFE_INTEGER });
  await expect.poll(() => stage.recorder.failure, { timeout: 10_000 }).toBeUndefined();
  await stage.work(3);
  expect(await stage.recorder.state()).toMatchObject({ isOn: true });
  const { atMs, sequence, digest } = stage.marks.at(-1) ?? { atMs: 0, sequence: 0, digest: '' };
  expect(await stage.at(atMs)).toEqual({ sequence, digest });
  await stage.close();
});

test('a record of another journal is not continued', async () => {
  const first = await new RecorderStage().open();
  await first.begin(4);
  await first.work(5);
  await first.recorder.state();
  await first.close();
  const other = new RecorderStage();
  copyFileSync(`${first.folder}/recorder.db`, `${other.folder}/recorder.db`);
  await other.open();
  await other.begin();
  await other.work(3);
  const { notices, gaps } = await other.recorder.state();
  expect(notices.join()).toContain('another journal');
  expect(gaps).toBe(0);
  const { atMs, sequence, digest } = other.marks.at(-1) ?? { atMs: 0, sequence: 0, digest: '' };
  expect(await other.at(atMs)).toEqual({ sequence, digest });
  await other.close();
});

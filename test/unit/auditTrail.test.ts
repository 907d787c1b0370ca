// The trail as the host uses it: durable before it says so, bounded under floods, told when it cannot be written.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { auditTargetsMax } from '../../scheduler/protocol/auditLimits.ts';
import { actOf, AuditStage, checkOf, entriesOf, settle } from './auditStage.ts';

let stage: AuditStage;
beforeEach(() => {
  stage = new AuditStage();
});
afterEach(() => stage.remove());

const wrong = actOf({ action: 'agent_refused', actor: 'nobody', outcome: 'refused', targets: [] });

test('equal refusals of a minute are two entries: the first, and one with the exact number of the others', async () => {
  const trail = await stage.open();
  for (let at = 0; at < 1_000; at += 1) trail.record(wrong);
  trail.record({ ...wrong, source: '10.0.0.8' });
  await settle(trail);
  expect((await entriesOf(trail)).map(({ source }) => source)).toEqual(['10.0.0.8', '10.0.0.7']);
  await stage.close();
  const entries = await entriesOf(await stage.open());
  expect(entries[0]).toMatchObject({ source: '10.0.0.7', count: 999, details: { repeats: 999 } });
  expect(entries.length).toBe(3);
});

test('refusals from ever new addresses stay few entries, and all are counted', async () => {
  const trail = await stage.open();
  for (let at = 0; at < 5_000; at += 1) trail.record({ ...wrong, source: `10.1.${at >> 8}.${at & 255}` });
  await stage.close();
  const entries = await entriesOf(await stage.open());
  expect(entries.length).toBeLessThan(110);
  expect(entries.reduce((sum, { count = 1 }) => sum + count, 0)).toBe(5_000);
});

test('acts that were done are never counted together', async () => {
  const trail = await stage.open();
  for (let at = 0; at < 50; at += 1) trail.record(actOf());
  await settle(trail);
  expect((await entriesOf(trail)).length).toBe(50);
});

test('filters find by actor, action, outcome, thing, time and text, newest first, page by page', async () => {
  const trail = await stage.open();
  for (let at = 1; at <= 200; at += 1) {
    stage.clock.nowMs += 1_000;
    trail.record(
      actOf({
        actor: at % 2 === 0 ? 'ada' : 'bob',
        action: at % 5 === 0 ? 'putQueue' : 'setCordon',
        targets: [`n${at % 10}`, `m${at}`],
        details: { reason: `50% of _${at}_` },
      }),
    );
  }
  trail.record({ ...wrong, details: { code: 'wrong_token' } });
  await settle(trail);
  const seqs = async (filter: Parameters<typeof entriesOf>[1]) =>
    (await entriesOf(trail, filter)).map(({ seq }) => seq);
  const numbers = Array.from({ length: 201 }, (_, at) => 201 - at);
  expect(await seqs({})).toEqual(numbers);
  expect(await seqs({ actor: 'ada' })).toEqual(numbers.filter((seq) => seq % 2 === 0));
  expect(await seqs({ actor: 'bob', action: 'putQueue' })).toEqual(
    numbers.filter((seq) => seq < 201 && seq % 10 === 5),
  );
  expect(await seqs({ outcome: 'refused' })).toEqual([201]);
  expect(await seqs({ target: 'n3', actor: 'ada' })).toEqual([]);
  expect(await seqs({ target: 'n3' })).toEqual(numbers.filter((seq) => seq < 201 && seq % 10 === 3));
  expect(await seqs({ text: '% of _77_' })).toEqual([77]);
  expect(await seqs({ text: 'WRONG_token' })).toEqual([201]);
  const firstMs = stage.clock.nowMs - 199_000;
  expect(await seqs({ sinceMs: (firstMs + 9_000) as never, untilMs: (firstMs + 12_000) as never })).toEqual([
    12, 11, 10,
  ]);
  const state = await trail.state();
  expect(state.ok && state.value).toMatchObject({
    firstSeq: 1,
    lastSeq: 201,
    actors: ['ada', 'bob', 'nobody'],
    actions: ['agent_refused', 'putQueue', 'setCordon'],
  });
});

test('a time never goes back, also where the clock does', async () => {
  const trail = await stage.open();
  trail.record(actOf());
  stage.clock.nowMs -= 5_000;
  trail.record(actOf());
  await settle(trail);
  const [second, first] = await entriesOf(trail);
  expect(second?.atMs).toBe(first?.atMs);
});

test('an act on more things than an entry names says how many there were', async () => {
  const trail = await stage.open();
  const targets = Array.from({ length: auditTargetsMax + 7 }, (_, at) => `T-${at}`);
  trail.record(actOf({ targets }));
  await settle(trail);
  const [entry] = await entriesOf(trail);
  expect(entry?.count).toBe(auditTargetsMax + 7);
  expect(entry?.targets.length).toBe(auditTargetsMax);
});

test('beyond its bound the oldest go, the trail says up to where, and the rest still checks', async () => {
  const trail = await stage.open({ bytesMax: 2 * 1024 * 1024 });
  for (let round = 0; round < 12; round += 1) {
    for (let at = 0; at < 1_000; at += 1) trail.record(actOf({ targets: [`n${at}`] }));
    await settle(trail);
  }
  const state = await trail.state();
  if (!state.ok) throw new Error(state.reason.message);
  expect(state.value.firstSeq).toBeGreaterThan(1_000);
  expect(state.value.bytes).toBeLessThan(3 * 1024 * 1024);
  expect(await entriesOf(trail, { action: 'audit_pruned' })).not.toEqual([]);
  expect((await checkOf(trail)).state).toBe('good');
});

test('a full disk is told, changes are refused, and what could not be written is counted', async () => {
  const trail = await stage.open({ pagesMax: 40, pendingMax: 5 });
  let isFull = false;
  for (let at = 0; at < 200 && !isFull; at += 1) {
    trail.record(actOf({ details: { reason: 'x'.repeat(1_500) } }));
    isFull = !(await trail.settled()).ok;
  }
  expect(isFull).toBe(true);
  expect(trail.hindrance()).toMatchObject({ ok: false, reason: { code: 'storage_failed' } });
  expect(stage.failures.at(-1)).toContain('disk is full');
  // One waits already; five are kept.
  for (let at = 1; at <= 12; at += 1) trail.record(actOf({ targets: [`w${at}`] }));
  expect((await trail.settled()).ok).toBe(false);
  stage.harm('DELETE FROM entry WHERE seq <= 15');
  await settle(trail);
  expect(trail.hindrance()).toBeUndefined();
  expect(stage.failures.at(-1)).toBeUndefined();
  const [gap, last] = await entriesOf(trail);
  expect(gap).toMatchObject({ action: 'audit_gap', count: 8 });
  expect(last?.targets).toEqual(['w4']);
});

test('what was said to be durable is there after the process was killed', async () => {
  const program = join(import.meta.dirname, 'support/auditWriter.ts');
  const child = spawn(process.execPath, [program, stage.folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (data: Buffer) => {
      said += data.toString();
      if (said.split('\n').length > 200) child.kill('SIGKILL');
    });
    child.on('exit', () => {
      resolve();
    });
  });
  const answered = said.split('\n').filter((line) => line.endsWith('.'));
  expect(answered.length).toBeGreaterThan(100);
  const trail = await stage.open();
  const names = new Set((await entriesOf(trail)).flatMap(({ targets }) => targets));
  expect(answered.filter((line) => !names.has(line.slice(0, -1)))).toEqual([]);
  expect((await checkOf(trail)).state).toBe('good');
  expect(stage.damage).toEqual([]);
}, 60_000);

test.each(['ndjson', 'csv'] as const)(
  'an export as %s has every entry that matches and the proof',
  async (format) => {
    const trail = await stage.open();
    for (let at = 0; at < 700; at += 1)
      trail.record(actOf({ actor: at % 7 === 0 ? '=1+1' : 'ada', details: { reason: 'a, "b"' } }));
    const path = join(stage.folder, `out.${format}`);
    const asks = { path, filter: { actor: '=1+1' }, format, program: '1' };
    const signal = new AbortController().signal;
    const bytes = await trail.exportTo(asks, { onProgress: () => undefined, signal });
    const text = readFileSync(path, 'utf8');
    expect(Buffer.byteLength(text)).toBe(bytes);
    const state = await trail.state();
    expect(text).toContain(state.ok ? state.value.lastHash : '-');
    const lines = text.trim().split(/\r?\n/);
    expect(lines.length).toBe(format === 'csv' ? 102 : 101);
    if (format === 'csv') expect(lines[1]).toContain("'=1+1");
  },
);

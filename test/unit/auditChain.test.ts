// The chain: what is changed, taken out, moved or cut off is named, and what nobody touched is good.
import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { canonicalJson } from '../../scheduler/audit/chain.ts';
import { firstPrevious } from '../../scheduler/protocol/audit.ts';
import { actOf, AuditStage, checkOf, entriesOf, settle } from './auditStage.ts';

let stage: AuditStage;
beforeEach(() => {
  stage = new AuditStage();
});
afterEach(() => stage.remove());

/** Ten entries, and the trail closed. */
async function written(): Promise<void> {
  const trail = await stage.open();
  for (let at = 1; at <= 10; at += 1) trail.record(actOf({ targets: [`n${at}`], details: { at } }));
  await settle(trail);
  await stage.close();
}

test('numbers have no gap, and each hash is that of the one before and the entry', async () => {
  await written();
  const trail = await stage.open();
  const entries = (await entriesOf(trail)).reverse();
  expect(entries.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  let previous = firstPrevious;
  for (const { hash, ...rest } of entries) {
    expect(rest.previous).toBe(previous);
    expect(hash).toBe(
      createHash('sha256')
        .update(previous + canonicalJson(rest))
        .digest('hex'),
    );
    previous = hash;
  }
  expect(await checkOf(trail)).toMatchObject({ state: 'good', done: 10, total: 10, hash: previous });
});

test('the chain goes on over a start', async () => {
  await written();
  const trail = await stage.open();
  trail.record(actOf());
  await settle(trail);
  expect(await checkOf(trail)).toMatchObject({ state: 'good', done: 11, seq: 11 });
  expect(stage.damage).toEqual([]);
});

test('canonical JSON does not depend on the order of names', () => {
  expect(canonicalJson({ b: [1, { d: 2, c: 'é' }], a: null, z: undefined })).toBe(
    '{"a":null,"b":[1,{"c":"é","d":2}]}',
  );
});

const flip = `replace(entry, '"actor":"ada"', '"actor":"bob"')`;
describe('named by its number', () => {
  test.each([
    ['a byte of the entry', `UPDATE entry SET entry = ${flip} WHERE seq = 4`, 4],
    ['the hash', `UPDATE entry SET hash = replace(hash, substr(hash, 1, 1), 'x') WHERE seq = 4`, 4],
    ['the time it is found by', 'UPDATE entry SET at_ms = at_ms + 1 WHERE seq = 4', 4],
    ['the actor it is found by', `UPDATE entry SET actor = 'bob' WHERE seq = 4`, 4],
    ['the action it is found by', `UPDATE entry SET action = 'x' WHERE seq = 4`, 4],
    ['the outcome it is found by', `UPDATE entry SET outcome = 'refused' WHERE seq = 4`, 4],
    ['a row taken out', 'DELETE FROM entry WHERE seq = 4', 4],
    ['the oldest taken out', 'DELETE FROM entry WHERE seq <= 3', 3],
    ['the first changed', `UPDATE entry SET entry = ${flip} WHERE seq = 1`, 1],
  ])('%s', async (_what, harm, seq) => {
    await written();
    stage.harm(harm);
    const trail = await stage.open();
    expect(await checkOf(trail)).toMatchObject({ state: 'bad', fault: { seq } });
    expect(stage.damage.length).toBe(1);
  });

  test('two rows that changed places', async () => {
    await written();
    const moved = (from: number, to: number) => `UPDATE entry SET seq = ${to} WHERE seq = ${from}`;
    stage.harm(moved(4, 99), moved(6, 4), moved(99, 6));
    const trail = await stage.open();
    expect(await checkOf(trail)).toMatchObject({ state: 'bad', fault: { seq: 4 } });
  });

  test('an entry written anew with a hash that fits: the next one does not follow it', async () => {
    await written();
    const trail = await stage.open();
    const [found] = (await entriesOf(trail)).filter(({ seq }) => seq === 4);
    if (!found) throw new Error('no entry 4');
    await stage.close();
    const rest = { ...found, actor: 'bob', hash: undefined };
    const text = canonicalJson(rest);
    const hash = createHash('sha256')
      .update(rest.previous + text)
      .digest('hex');
    stage.harm(`UPDATE entry SET actor = 'bob', entry = '${text}', hash = '${hash}' WHERE seq = 4`);
    expect(await checkOf(await stage.open())).toMatchObject({ state: 'bad', fault: { seq: 5 } });
  });
});

test('an end that was cut off is found at the next start, and written down', async () => {
  await written();
  stage.harm('DELETE FROM entry WHERE seq > 7');
  const trail = await stage.open();
  expect(stage.damage).toEqual(['the end is cut off: entry 7 is the newest, and audit.head names 10']);
  const [told] = await entriesOf(trail);
  expect(told).toMatchObject({ seq: 8, action: 'audit_damaged' });
  expect(await checkOf(trail)).toMatchObject({ state: 'good', found: 1 });
});

test('a trail that was taken away as a whole is missed', async () => {
  await written();
  for (const ending of ['', '-wal', '-shm']) rmSync(join(stage.folder, `audit.db${ending}`), { force: true });
  await stage.open();
  expect(stage.damage).toEqual(['the end is cut off: entry 0 is the newest, and audit.head names 10']);
});

test('without its head nobody can tell whether the end is whole: said once, and then kept again', async () => {
  await written();
  rmSync(join(stage.folder, 'audit.head'));
  await stage.open();
  expect(stage.damage.length).toBe(1);
  await stage.close();
  await stage.open();
  expect(stage.damage.length).toBe(1);
});

test('a text that a file would change is made harmless before it is written', async () => {
  const trail = await stage.open();
  trail.record(actOf({ actor: 'a\u0000b\ud800c', action: 'x\ny', targets: ['\ud800'] }));
  await settle(trail);
  expect(await checkOf(trail)).toMatchObject({ state: 'good', done: 1 });
});

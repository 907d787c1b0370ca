// Damage on the agent's disk: every changed bit of its ledger is found, named, and answered without running twice.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Ledger, ledgerFileName, readLedger } from '../../agent/ledger.ts';
import { type LedgerEntry, ledgerLine } from '../../agent/ledgerLine.ts';
import { ResultOutbox } from '../../agent/resultOutbox.ts';
import { taskId, token } from '../../scheduler/protocol/brands.ts';
import { commandDispatch, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

const name = (n: number) => ({ token: token(n), taskId: taskId(n + 100), attempt: 1 });
const start = (n: number): LedgerEntry => ({ kind: 'start', at: 1, ...name(n) });
const result = (n: number): LedgerEntry => ({
  kind: 'result',
  at: 2,
  ...name(n),
  end: { reason: 'exit', exitCode: 0, message: 'größer' },
});
const carrier = (n: number): LedgerEntry => ({ kind: 'process', at: 1, token: token(n), pid: 4_000_000 + n });
const ack = (...tokens: number[]): LedgerEntry => ({ kind: 'ack', at: 3, tokens: tokens.map(token) });
const textOf = (entries: readonly LedgerEntry[]): string => entries.map(ledgerLine).join('');

describe('a changed bit', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'millrace-damage-'));
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  test('anywhere in the file is found with its line, the other lines are read, and none is read as another', () => {
    const path = join(folder, 'ledger');
    const entries = [start(1), carrier(1), result(1), start(2), ack(1), start(33)];
    const whole = Buffer.from(textOf(entries));
    const originals = new Set(entries.map((entry) => JSON.stringify(entry)));
    for (let bit = 0; bit < whole.length * 8; bit += 7) {
      const bytes = Buffer.from(whole);
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      writeFileSync(path, bytes);
      const read = readLedger(path);
      const line = whole.subarray(0, bit >> 3).filter((byte) => byte === 0x0a).length + 1;
      const isNewline = whole[bit >> 3] === 0x0a;
      // Two lines joined by a changed newline are told apart again: then nothing is lost.
      expect(read.entries.length, `bit ${String(bit)}`).toBe(isNewline ? entries.length : entries.length - 1);
      for (const entry of read.entries) expect(originals).toContain(JSON.stringify(entry));
      if (!isNewline) expect(read.damaged.map((each) => each.line)).toContain(line);
    }
  });

  test('in a start names the token that was written, whatever the text says now', () => {
    const path = join(folder, 'ledger');
    writeFileSync(path, textOf([start(1234), start(2)]).replace('"token":1234', '"token":1235'));
    expect(readLedger(path)).toMatchObject({
      entries: [start(2)],
      damaged: [{ line: 1, kind: 'start', tokens: [1235, 1234] }],
    });
  });

  test('and lines without a checksum, of an earlier version, are still read', () => {
    const path = join(folder, 'ledger');
    writeFileSync(path, `${JSON.stringify(start(1))}\n${textOf([result(1)])}`);
    expect(readLedger(path)).toEqual({ entries: [start(1), result(1)], damaged: [], hasTornTail: false });
  });
});

test('a file of rubbish does not hold up the start, and is set aside', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-damage-'));
  const path = join(folder, 'ledger');
  writeFileSync(path, `${'x'.repeat(90)}\n`.repeat(20_000));
  const read = readLedger(path);
  expect(read.damaged).toHaveLength(20_000);
  const ledger = new Ledger(path);
  ledger.markDamaged();
  new ResultOutbox(ledger, read.entries).takeDamage(read.damaged);
  ledger.close();
  expect(readFileSync(path, 'utf8')).toBe('');
  expect(readdirSync(folder).some((each) => /^ledger\.damaged-\d{8}T\d{6}Z$/.test(each))).toBe(true);
  rmSync(folder, { recursive: true, force: true });
});

describe('an agent with a damaged ledger', () => {
  let stage: AgentStage;
  beforeEach(async () => {
    stage = await AgentStage.open();
  });
  afterEach(async () => {
    expect(stage.hub.faults).toEqual([]);
    await stage.close();
  });
  const damage = (entries: LedgerEntry[], place: number): void => {
    const lines = entries.map(ledgerLine);
    lines[place] = (lines[place] ?? '').replace('"at"', '"bt"');
    writeFileSync(join(stage.dataFolder, ledgerFileName), lines.join(''));
  };
  const setAside = () => readdirSync(stage.dataFolder).filter((each) => each.includes('.damaged-'));

  test('reports a result whose start is damaged, says which line it was, and sets the file aside', async () => {
    damage([start(1), result(1), start(2), result(2), ack(2)], 0);
    await stage.agent();
    await until(() => stage.hub.results.length === 1, 'the result');
    expect(stage.hub.results[0]).toMatchObject({ token: 1, end: { reason: 'exit' } });
    expect(stage.lines.filter((line) => line.includes('line 1 of the ledger is damaged'))).toHaveLength(1);
    expect(setAside()).toHaveLength(1);
    expect(stage.ledger.damaged).toEqual([]);
  });

  test('reports an attempt whose result is damaged as agent_lost, and does not run it again', async () => {
    damage([start(1), result(1)], 1);
    await stage.agent();
    await until(() => stage.hub.results.length === 1, 'the result');
    expect(stage.hub.results[0]).toMatchObject({ token: 1, end: { reason: 'agent_lost' } });
    const ran = join(stage.dataFolder, 'ran');
    stage.hub.send('run', [commandDispatch({ argv: ['touch', ran] }, name(1)), commandDispatch({})]);
    await until(() => stage.hub.results.length === 2, 'the next one ran');
    expect(existsSync(ran)).toBe(false);
  });

  test('sends a result again whose acknowledgement is damaged', async () => {
    damage([start(1), result(1), ack(1)], 2);
    await stage.agent();
    await until(() => stage.hub.results.length === 1, 'the result');
    expect(stage.hub.joins[0]?.held).toEqual([{ token: 1, state: 'finished' }]);
  });

  test('runs no attempt that a damaged start may have named, also after another restart', async () => {
    damage([start(5), result(5), ack(5), start(7), start(9), result(9), ack(9)], 3);
    const first = await stage.agent();
    const ran = join(stage.dataFolder, 'ran');
    stage.hub.send('run', [commandDispatch({ argv: ['touch', ran] }, name(7))]);
    await until(() => stage.hub.resultOf(7) !== undefined, 'an answer');
    expect(stage.hub.resultOf(7)?.end).toMatchObject({ reason: 'agent_lost' });
    await first.stop();
    await stage.agent();
    stage.hub.send('run', [
      commandDispatch({ argv: ['touch', ran] }, name(6)),
      commandDispatch({}, name(10)),
    ]);
    await until(() => stage.hub.resultOf(10) !== undefined, 'the newer one ran');
    expect(stage.hub.resultOf(6)?.end.reason).toBe('agent_lost');
    expect(stage.hub.resultOf(10)?.end).toMatchObject({ reason: 'exit', exitCode: 0 });
    expect(existsSync(ran)).toBe(false);
  });

  test('kills what an earlier life left running, also where the line of its process is gone', async () => {
    const first = await stage.program('--token', 'T-secret-of-the-plant');
    const dispatch = commandDispatch({ shell: true, argv: ['echo $$; exec sleep 60'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') !== '', 'it runs');
    const pid = Number(stage.hub.textOf(dispatch.token, 'stdout'));
    first.kill('SIGKILL');
    await until(() => first.signalCode !== null, 'the agent is dead');
    const { entries } = stage.ledger;
    damage(
      [...entries],
      entries.findIndex(({ kind }) => kind === 'process'),
    );
    await stage.program();
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'the result');
    expect(stage.hub.resultOf(dispatch.token)?.end.message).toContain('its processes were killed');
    await until(() => !existsSync(`/proc/${String(pid)}`), 'it is dead');
  });
});

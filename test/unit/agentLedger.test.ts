// The agent's ledger and outbox: what is durable, what survives damage, and which tokens are known.
import { appendFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StreamLog, wholeCharacters } from '../../agent/attemptLog.ts';
import { Ledger, memoryLedger, readLedger } from '../../agent/ledger.ts';
import type { LedgerEntry } from '../../agent/ledgerLine.ts';
import { inMessages } from '../../agent/reportBatch.ts';
import { ResultOutbox } from '../../agent/resultOutbox.ts';
import { taskId, token } from '../../scheduler/protocol/brands.ts';
import { frameBytesMax, logBytesPerStreamMax } from '../../scheduler/protocol/limits.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-ledger-'));
  path = join(folder, 'ledger.ndjson');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const name = (n: number) => ({ token: token(n), taskId: taskId(n + 100), attempt: 1 });
const success = { reason: 'exit', exitCode: 0 } as const;
const start = (n: number): LedgerEntry => ({ kind: 'start', at: 1, ...name(n) });

describe('the ledger file', () => {
  test('a hundred starts of one turn share one fsync', async () => {
    const ledger = new Ledger(path);
    const outbox = new ResultOutbox(ledger);
    await Promise.all(Array.from({ length: 100 }, (_, n) => outbox.recordStart(name(n))));
    expect(ledger.syncs).toBe(1);
    expect(readLedger(path).entries).toHaveLength(100);
    ledger.close();
  });

  test('a last line torn by a crash counts as never written, and the next entry is whole', () => {
    writeFileSync(path, `${JSON.stringify(start(1))}\n{"kind":"start","at":1,"tok`);
    expect(readLedger(path)).toMatchObject({ entries: [start(1)], damaged: [], hasTornTail: true });
    const ledger = new Ledger(path);
    ledger.append(start(2));
    ledger.close();
    expect(readLedger(path)).toEqual({ entries: [start(1), start(2)], damaged: [], hasTornTail: false });
  });

  test('a damaged line in the middle is skipped and counted', () => {
    writeFileSync(
      path,
      `${JSON.stringify(start(1))}\nrubbish\n{"kind":"start"}\n${JSON.stringify(start(2))}\n`,
    );
    expect(readLedger(path)).toEqual({
      entries: [start(1), start(2)],
      damaged: [
        { line: 2, tokens: [] },
        { line: 3, kind: 'start', tokens: [] },
      ],
      hasTornTail: false,
    });
  });

  test('a missing file is an empty ledger', () => {
    expect(readLedger(path)).toEqual({ entries: [], damaged: [], hasTornTail: false });
  });

  test('when large, it is rewritten with what is still known, and goes on', async () => {
    const ledger = new Ledger(path, 20_000);
    const outbox = new ResultOutbox(ledger, [], 20);
    await outbox.recordStart(name(1));
    for (let n = 2; n < 300; n += 1) {
      await outbox.recordStart(name(n));
      await outbox.recordResult(name(n), success);
      if (n !== 7) outbox.acknowledge([token(n)]);
    }
    await outbox.recordStart(name(999));
    expect(statSync(path).size).toBeLessThan(30_000);
    ledger.close();
    const again = new ResultOutbox(memoryLedger, readLedger(path).entries, 20);
    expect(again.unfinished().map((each) => each.token)).toEqual([1, 999]);
    expect(again.pending()).toEqual([{ token: 7, taskId: 107, end: success }]);
    expect(again.stateOf(token(299))).toBe('acknowledged');
    expect(again.stateOf(token(50))).toBeUndefined();
  });

  test('whatever was appended is read back after a crash at any byte, up to the last whole line', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1_000), { maxLength: 12 }), fc.nat(2_000), (tokens, cut) => {
        const lines = tokens.map((n) => `${JSON.stringify(start(n))}\n`);
        const text = lines.join('').slice(0, cut);
        writeFileSync(path, text);
        new Ledger(path).close();
        const whole = text.split('\n').length - 1;
        expect(readLedger(path).entries).toEqual(tokens.slice(0, whole).map(start));
      }),
      { numRuns: 50 },
    );
  });
});

describe('the outbox', () => {
  test('a result stays until it is acknowledged, also across a restart', async () => {
    const ledger = new Ledger(path);
    const outbox = new ResultOutbox(ledger);
    await outbox.recordStart(name(1));
    expect(outbox.held()).toEqual([{ token: 1, state: 'running' }]);
    await outbox.recordResult(name(1), success);
    ledger.close();
    const second = new Ledger(path);
    const again = new ResultOutbox(second, readLedger(path).entries);
    expect(again.held()).toEqual([{ token: 1, state: 'finished' }]);
    expect(again.pending()).toHaveLength(1);
    again.acknowledge([token(1)]);
    second.close();
    const third = new ResultOutbox(memoryLedger, readLedger(path).entries);
    expect(third.pending()).toEqual([]);
    expect(third.stateOf(token(1))).toBe('acknowledged');
  });

  test('a result is not offered before it is durable', async () => {
    let release = (): void => undefined;
    const slow = { ...memoryLedger, durable: () => new Promise<void>((resolve) => (release = resolve)) };
    const outbox = new ResultOutbox(slow);
    const recorded = outbox.recordResult(name(1), success);
    expect(outbox.pending()).toEqual([]);
    expect(outbox.held()).toEqual([{ token: 1, state: 'running' }]);
    release();
    await recorded;
    expect(outbox.pending()).toHaveLength(1);
  });

  test('with a full disk a result is said to be in memory only, and is offered all the same', async () => {
    const troubles: string[] = [];
    const full = { ...memoryLedger, durable: () => Promise.reject(new Error('ENOSPC')) };
    const outbox = new ResultOutbox(full, [], 10, (message) => troubles.push(message));
    await expect(outbox.recordStart(name(1))).rejects.toThrow('ENOSPC');
    await outbox.recordResult(name(1), success);
    expect(outbox.pending()).toEqual([{ token: 1, taskId: 101, end: success }]);
    expect(troubles).toEqual(['results are kept in memory only, the ledger cannot be written: ENOSPC']);
    outbox.close();
  });

  test('an attempt taken away by the hub is known, and never offered', async () => {
    const outbox = new ResultOutbox(memoryLedger);
    await outbox.recordStart(name(1));
    outbox.revoke([token(1)]);
    expect(await outbox.recordResult(name(1), success)).toBeUndefined();
    expect(outbox.held()).toEqual([]);
    expect(outbox.stateOf(token(1))).toBe('revoked');
  });

  test('only ended tokens are forgotten, oldest first', async () => {
    const outbox = new ResultOutbox(memoryLedger, [], 3);
    for (let n = 1; n <= 6; n += 1) await outbox.recordStart(name(n));
    expect(outbox.held()).toHaveLength(6);
    for (let n = 1; n <= 6; n += 1) await outbox.recordResult(name(n), success);
    outbox.acknowledge([token(5), token(2), token(3)]);
    expect([1, 2, 3, 4, 5, 6].filter((n) => outbox.stateOf(token(n)))).toEqual([1, 4, 6]);
  });

  test('many results are cut into messages that fit a frame', () => {
    const message = '\u20ac'.repeat(1_000);
    const results = Array.from({ length: 1_000 }, (_, n) => ({ ...name(n), end: { ...success, message } }));
    const messages = inMessages(results);
    expect(messages.flat()).toHaveLength(1_000);
    for (const each of messages) expect(Buffer.byteLength(JSON.stringify(each))).toBeLessThan(frameBytesMax);
    expect(inMessages(results.map((each) => ({ ...each, end: success })))).toHaveLength(4);
  });
});

describe('a stream of output', () => {
  test('cuts fall between characters, and bytes that are no text pass', () => {
    const bytes = Buffer.from('a€');
    expect([1, 2, 3, 4].map((end) => wholeCharacters(bytes, end))).toEqual([1, 1, 1, 4]);
    expect(wholeCharacters(Buffer.from([0xff, 0xff]), 2)).toBe(2);
    expect(wholeCharacters(Buffer.from([0x80, 0x80, 0x80, 0x80]), 4)).toBe(4);
  });

  test('pieces join to what was written, however it was written and cut', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 300 }),
        fc.integer({ min: 1, max: 9 }),
        (text, size) => {
          const log = new StreamLog(join(folder, 'stream'));
          const bytes = Buffer.from(text);
          const wanted = bytes.toString();
          let joined = '';
          const take = (): void => {
            for (let piece = log.next(16_384); piece; piece = log.next(16_384)) joined += piece.text;
          };
          for (let at = 0; at < bytes.length; at += size) {
            log.write(bytes.subarray(at, at + size));
            take();
          }
          log.end();
          take();
          log.remove();
          expect(joined).toBe(wanted);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('after a restart it goes on where the hub left off', () => {
    const file = join(folder, 'stream');
    appendFileSync(file, '0123456789');
    const log = StreamLog.recover(file, { acked: 4, dropped: 3 });
    expect(log.next(16_384)).toEqual({ offset: 4, bytes: 6, text: '456789', droppedBytes: 3 });
    expect(log.isSettled).toBe(false);
    log.ack(10);
    expect(log.isSettled).toBe(true);
  });

  test('the last piece of a full stream waits for the count of what was lost', () => {
    const log = new StreamLog(join(folder, 'stream'));
    log.write(Buffer.alloc(logBytesPerStreamMax - 3, 'x'));
    log.write(Buffer.from('aa€€'));
    let last = 0;
    for (let piece = log.next(16_384); piece; piece = log.next(16_384)) last = piece.offset + piece.bytes;
    expect(last).toBeLessThan(log.stored);
    log.end();
    expect(log.next(16_384)).toMatchObject({ offset: last, droppedBytes: 6 });
    expect(readFileSync(join(folder, 'stream')).subarray(-2).toString()).toBe('aa');
    log.remove();
  });
});

// An agent without its hub: what it keeps, what it does after a power cut, and how it tells when the hub is back.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Ledger, ledgerFileName, readLedger } from '../../agent/ledger.ts';
import { type LedgerEntry, ledgerLine } from '../../agent/ledgerLine.ts';
import { LogShipper } from '../../agent/logShipper.ts';
import { ResultOutbox } from '../../agent/resultOutbox.ts';
import type { LogChunk } from '../../scheduler/protocol/agentWire.ts';
import { taskId, token } from '../../scheduler/protocol/brands.ts';
import { heldAttemptsMax } from '../../scheduler/protocol/limits.ts';
import { commandDispatch, enrolToken, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  expect(stage.hub.faults).toEqual([]);
  await stage.close();
});
const name = (n: number) => ({ token: token(n), taskId: taskId(n + 50_000), attempt: 1 });
const said = (text: string): boolean => stage.lines.some((line) => line.includes(text));
const ledgerPath = (): string => join(stage.dataFolder, ledgerFileName);
/** Attempts that began in one order and ended in another, none acknowledged. Answers the order of their ends. */
async function fill(count: number): Promise<number[]> {
  const ledger = new Ledger(ledgerPath());
  const outbox = new ResultOutbox(ledger);
  const begun = Array.from({ length: count }, (_, n) => outbox.recordStart(name(n + 1)));
  const order = Array.from({ length: count }, (_, n) => ((n * 7_919) % count) + 1);
  const ended = order.map((n) => outbox.recordResult(name(n), { reason: 'exit', exitCode: n % 200 }));
  await Promise.all([...begun, ...ended]);
  ledger.close();
  return order;
}

test('20,000 results outlive the hub: reported once, in the order of the ends, before any output', async () => {
  const order = await fill(20_000);
  mkdirSync(join(stage.dataFolder, 'logs'));
  writeFileSync(join(stage.dataFolder, 'logs', '7.stdout'), 'kept');
  const beginHub = await stage.endHub();
  stage.lonely('--token', enrolToken);
  await until(() => said('no connection to the hub'), 'it is alone');
  const hub = await beginHub();
  const ends: number[] = [];
  await until(() => hub.results.length >= 20_000 && hub.logs.length > 0, 'all reported', 30_000);
  for (const { token: of, end } of hub.results) if (end.exitCode === of % 200) ends.push(of);
  expect(ends).toEqual(order);
  expect(hub.resultsAtFirstLog).toBe(20_000);
  expect(hub.joins[0]?.held).toHaveLength(heldAttemptsMax);
  expect(hub.joins[0]?.held[0]).toEqual({ token: order.at(-1), state: 'finished' });
  await until(
    () => readLedger(ledgerPath()).entries.filter(({ kind }) => kind === 'ack').length >= 79,
    'acks',
  );
  hub.cut();
  await until(() => hub.joins.length === 2, 'a second join');
  expect(hub.joins[1]?.held).toEqual([]);
  expect(hub.results).toHaveLength(20_000);
}, 60_000);

test('beyond what a join can name, a dispatch is refused by name and not recorded', async () => {
  await fill(heldAttemptsMax);
  stage.hub.ackResults = false;
  await stage.agent();
  const dispatch = commandDispatch({}, { token: token(900_000) });
  stage.hub.send('run', [dispatch]);
  await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'an answer');
  expect(stage.hub.resultOf(dispatch.token)?.end).toMatchObject({ reason: 'refused' });
  expect(stage.ledger.entries.some((entry) => 'token' in entry && entry.token === dispatch.token)).toBe(
    false,
  );
});

test('after a power cut without a hub: ends are told as they were, once and in order; nothing runs again', async () => {
  const first = await stage.program('--token', enrolToken);
  const count = join(stage.dataFolder, 'count');
  const gate = join(stage.dataFolder, 'gate');
  const running = commandDispatch({ shell: true, argv: [`echo x >> ${count}; sleep 60`] });
  const ending = [5, 6, 7].map((code) =>
    commandDispatch({
      shell: true,
      argv: [`while [ ! -e ${gate}-${String(code)} ]; do sleep 0.02; done; exit ${String(code)}`],
    }),
  );
  stage.hub.send('run', [...ending, running]);
  await until(() => stage.hub.started.length === 4 && existsSync(count), 'they run');
  const beginHub = await stage.endHub();
  const results = () => stage.ledger.entries.filter(({ kind }) => kind === 'result').length;
  for (const [at, code] of [6, 7, 5].entries()) {
    writeFileSync(`${gate}-${String(code)}`, '');
    await until(() => results() === at + 1, 'it ended alone');
  }
  first.kill('SIGKILL');
  await until(() => first.signalCode !== null, 'the agent is dead');
  const group = stage.ledger.entries.find(
    (entry) => entry.kind === 'process' && entry.token === running.token,
  );
  if (group?.kind !== 'process') throw new Error('no process');
  process.kill(-group.pid, 'SIGKILL');
  // As after a boot: what the ledger names lived in another one, and its numbers belong to others now.
  const rebooted = stage.ledger.entries.map((entry) =>
    entry.kind === 'process' ? { ...entry, boot: 'before', pid: process.pid } : entry,
  );
  writeFileSync(ledgerPath(), rebooted.map(ledgerLine).join(''));
  const before = stage.lines.length;
  stage.lonely();
  await until(() => stage.lines.slice(before).join('').includes('no connection'), 'it is up without a hub');
  const hub = await beginHub();
  await until(() => hub.results.length === 4, 'all four');
  expect(hub.results.map(({ end }) => end.exitCode ?? end.reason)).toEqual([6, 7, 5, 'agent_lost']);
  expect(hub.joins[0]?.held.every(({ state }) => state === 'finished')).toBe(true);
  expect(readFileSync(count, 'utf8')).toBe('x\n');
});

test('an attempt runs on while the hub is away and starts anew, and is started once', async () => {
  await stage.program('--token', enrolToken);
  const count = join(stage.dataFolder, 'count');
  const gate = join(stage.dataFolder, 'gate');
  const line = `echo x >> ${count}; while [ ! -e ${gate} ]; do sleep 0.02; done`;
  const dispatch = commandDispatch({ shell: true, argv: [line] });
  stage.hub.send('run', [dispatch]);
  await until(() => existsSync(count), 'it runs');
  const beginHub = await stage.endHub();
  await until(() => said('connection to the hub lost'), 'it is alone');
  const hub = await beginHub();
  hub.epoch = 2;
  await until(() => hub.joins.length === 1, 'it is back');
  expect(hub.joins[0]?.held).toEqual([{ token: dispatch.token, state: 'running' }]);
  hub.send('run', [{ ...dispatch, epoch: 2 }]);
  await until(() => hub.started.includes(dispatch.token), 'confirmed again');
  writeFileSync(gate, '');
  await until(() => hub.resultOf(dispatch.token)?.end.exitCode === 0, 'its result');
  expect(readFileSync(count, 'utf8')).toBe('x\n');
});

test('a hub that answers 503 while it recovers is asked again soon, and its progress is said', async () => {
  const beginHub = await stage.endHub();
  const url = new URL(stage.args()[1] ?? '');
  const recovering = createServer((request, response) => {
    response.writeHead(request.url === '/health' ? 200 : 503, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ state: 'recovering', stage: 'loading', done: 41, total: 100 }));
  });
  await new Promise<void>((resolve) => recovering.listen(Number(url.port), '127.0.0.1', resolve));
  expect((recovering.address() as AddressInfo).port).toBe(Number(url.port));
  stage.lonely('--token', enrolToken);
  const times = (): number => stage.lines.join('').split('the hub is recovering (loading 41 %)').length - 1;
  // With the waits that grow, six tries would take 13 to 38 s; here each takes 0.5 to 1.5 s.
  await until(() => times() >= 6, 'six tries', 12_000);
  recovering.closeAllConnections();
  await new Promise((resolve) => recovering.close(resolve));
  const hub = await beginHub();
  await until(() => hub.joins.length === 1, 'it joined', 10_000);
}, 30_000);

test('a wall clock that jumps a day each way ends nothing, restarts nothing, and changes no duration', async () => {
  await stage.agent();
  const gate = join(stage.dataFolder, 'gate');
  const dispatch = commandDispatch(
    { shell: true, argv: [`echo x; while [ ! -e ${gate} ]; do sleep 0.02; done`] },
    { timeoutMs: 3_600_000 },
  );
  stage.hub.send('run', [dispatch]);
  await until(() => stage.hub.started.length === 1, 'it runs');
  const real = Date.now.bind(Date);
  for (const jumpMs of [86_400_000, -86_400_000]) {
    vi.spyOn(Date, 'now').mockImplementation(() => real() + jumpMs);
    const beats = stage.hub.heartbeats.length;
    await until(() => stage.hub.heartbeats.length > beats + 2, 'it goes on');
  }
  writeFileSync(gate, '');
  await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'its result');
  const end = stage.hub.resultOf(dispatch.token)?.end;
  expect(end).toMatchObject({ reason: 'exit', exitCode: 0 });
  expect(end?.runMs).toBeLessThan(30_000);
  expect(stage.hub.started).toEqual([dispatch.token]);
  expect(stage.hub.results).toHaveLength(1);
});

describe('a full disk', () => {
  const isRoot = process.platform === 'linux' && process.getuid?.() === 0;
  test.runIf(isRoot)(
    'refuses new work by name, keeps results in memory, and writes them when there is room',
    async () => {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', stage.dataFolder]);
      try {
        await stage.agent();
        const gate = join(stage.dataFolder, 'gate');
        const dispatch = commandDispatch({
          shell: true,
          argv: [`while [ ! -e ${gate} ]; do sleep 0.02; done; exit 6`],
        });
        stage.hub.send('run', [dispatch]);
        await until(() => stage.hub.started.length === 1, 'it runs');
        const hog = join(stage.dataFolder, 'hog');
        writeFileSync(gate, '');
        execFileSync('/bin/sh', [
          '-c',
          `rm ${gate}; cat /dev/zero > ${hog} 2>/dev/null; ln -s /dev/null ${gate}; true`,
        ]);
        // What is left of the ledger's last page is filled by results too.
        const refusals: (string | undefined)[] = [];
        for (let tries = 0; tries < 60 && refusals.length === 0; tries += 1) {
          const next = commandDispatch({ argv: ['true'] });
          stage.hub.send('run', [next]);
          await until(() => stage.hub.resultOf(next.token) !== undefined, 'an answer');
          const end = stage.hub.resultOf(next.token)?.end;
          if (end?.reason === 'refused') refusals.push(end.message);
        }
        expect(refusals[0]).toContain('the agent’s ledger cannot be written: ENOSPC'.replace('’', "'"));
        await until(() => stage.hub.resultOf(dispatch.token)?.end.exitCode === 6, 'its real end');
        expect(said('results are kept in memory only')).toBe(true);
        execFileSync('rm', [hog]);
        await until(() => said('the ledger can be written again'), 'room again', 20_000);
        const { entries, damaged } = stage.ledger;
        expect(damaged).toEqual([]);
        const ofIt = entries.filter((entry) => entry.kind === 'result' && entry.token === dispatch.token);
        expect(ofIt.length).toBeGreaterThanOrEqual(1);
      } finally {
        await stage.stopAgents();
        execFileSync('umount', ['-l', stage.dataFolder]);
      }
    },
    60_000,
  );

  test('results wait in order behind the one that the disk refused', async () => {
    vi.useFakeTimers();
    const file: LedgerEntry[] = [];
    let isFull = true;
    const troubles: string[] = [];
    const ledger = {
      append: (entry: LedgerEntry) => {
        if (isFull) throw new Error('ENOSPC');
        file.push(entry);
      },
      durable: () => Promise.resolve(),
      isLarge: () => false,
      compact: () => undefined,
    };
    const outbox = new ResultOutbox(ledger, [], 100, (message) => troubles.push(message));
    await outbox.recordResult(name(1), { reason: 'exit', exitCode: 0 });
    await vi.advanceTimersByTimeAsync(10_000);
    isFull = false;
    await outbox.recordResult(name(2), { reason: 'exit', exitCode: 0 });
    expect(outbox.pending().map((each) => each.token)).toEqual([1, 2]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(file.map((entry) => 'token' in entry && entry.token)).toEqual([1, 2]);
    expect(troubles.at(-1)).toBe('the ledger can be written again: 2 results are on the disk now');
    outbox.close();
    vi.useRealTimers();
  });
});

test('beyond its bound the oldest output is given up, results never, and the loss is the last piece', () => {
  const sent: LogChunk[] = [];
  let isJoined = false;
  const folder = join(stage.dataFolder, 'logs');
  const open = (): LogShipper =>
    new LogShipper({ folder, keptBytesMax: 25, send: (chunk) => isJoined && sent.push(chunk) > 0 });
  const shipper = open();
  for (const n of [1, 2, 3]) {
    shipper.open(token(n), taskId(n));
    shipper.write(token(n), 'stdout', Buffer.from('0123456789'));
    shipper.end(token(n));
  }
  shipper.close();
  // Also after a restart in between.
  const again = open();
  again.recover((of) => taskId(of));
  isJoined = true;
  again.resume();
  const last = { offset: 0, bytes: 0, text: '', droppedBytes: 10 };
  expect(sent.find((chunk) => chunk.token === 1)).toMatchObject(last);
  expect(sent.filter((chunk) => chunk.text === '0123456789').map((chunk) => chunk.token)).toEqual([2, 3]);
  again.acked({ token: token(1), stream: 'stdout', offset: 0 });
  for (const n of [2, 3]) again.acked({ token: token(n), stream: 'stdout', offset: 10 });
  expect(again.isBusy).toBe(false);
  again.close();
});

// What one connection and one address may do to the hub: rates, half-open connections, and who is told of it.
import { connect, createServer, type Socket as TcpSocket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { ConnectionRate } from '../../scheduler/hub/connectionRate.ts';
import { HalfOpen } from '../../scheduler/hub/halfOpen.ts';
import { RefusedAddresses } from '../../scheduler/hub/refusedAddresses.ts';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { Intruders } from '../../scheduler/observe/intruders.ts';
import type { AuditAct } from '../../scheduler/protocol/audit.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import * as limits from '../../scheduler/protocol/limits.ts';
import { Rate } from '../../scheduler/protocol/rate.ts';
import { join, once, openStage, type Stage } from './hubStage.ts';

describe('a rate', () => {
  test('lets the burst through at once, then so many per second', () => {
    const rate = new Rate(10, 5);
    expect([1, 2, 3, 4, 5].map(() => rate.ask(1, 1_000))).toEqual([0, 0, 0, 0, 0]);
    expect(rate.ask(1, 1_000)).toBe(100);
    expect(rate.ask(1, 1_099)).toBe(1);
    expect(rate.ask(1, 1_100)).toBe(0);
    // A pause gives back the burst, and no more.
    expect(Array.from({ length: 6 }, () => rate.ask(1, 90_000))).toEqual([0, 0, 0, 0, 0, 100]);
  });
});

describe('one connection', () => {
  test('an agent that comes back with 10,000 results and their output is never held up', () => {
    const rate = new ConnectionRate();
    const results = Math.ceil(10_000 / limits.resultsPerMessageMax);
    for (let at = 0; at < results; at += 1) expect(rate.take(limits.frameBytesMax / 2, 0)).toBe(0);
    for (let at = 0; at < 2_000; at += 1) expect(rate.take(limits.logChunkBytesMax, at)).toBe(0);
  });

  test('above its rate it is read more slowly; above it for half a minute it is closed', () => {
    const rate = new ConnectionRate();
    let nowMs = 0;
    let closedAtMs: number | undefined;
    let pausedMs = 0;
    while (closedAtMs === undefined && nowMs < 120_000) {
      const answer = rate.take(10, nowMs);
      if (answer === 'close') closedAtMs = nowMs;
      else {
        pausedMs += answer;
        nowMs += answer === 0 ? 0.05 : answer;
      }
    }
    expect(pausedMs).toBeGreaterThan(10_000);
    expect(closedAtMs).toBeGreaterThanOrEqual(limits.overRateMsMax);
    expect(closedAtMs).toBeLessThan(limits.overRateMsMax * 2);
  });

  test('a while without excess is a break', () => {
    const rate = new ConnectionRate();
    const answers = new Set<number | 'close'>();
    for (let round = 0; round < 20; round += 1)
      answers.add(rate.take(limits.bytesBurstMax + limits.bytesPerSecondMax / 2, round * 10_000));
    expect(answers.has('close')).toBe(false);
    expect(Math.max(...[...answers].filter((answer) => answer !== 'close'))).toBeGreaterThan(0);
  });
});

describe('refused addresses', () => {
  const stageOf = () => {
    const told: AuditAct[] = [];
    let nowMs = 0;
    const refusals = new RefusedAddresses(
      () => ms(nowMs),
      (act) => told.push(act),
    );
    const knock = (address: string, code = 'rate') => {
      refusals.tell({ action: 'rate_limited', address, code, message: 'too much' });
    };
    return { told, refusals, knock, wait: (forMs: number) => (nowMs += forMs) };
  };

  test('the trail hears of each kind once a minute, the counters of every one', () => {
    const { told, refusals, knock, wait } = stageOf();
    for (let at = 0; at < 500; at += 1) knock('10.0.0.9');
    knock('10.0.0.9', 'connections');
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({ action: 'rate_limited', actor: 'nobody', source: '10.0.0.9' });
    expect(refusals.limited).toBe(501);
    wait(60_000);
    knock('10.0.0.9');
    expect(told).toHaveLength(3);
  });

  test('those refused often are named; who mistypes a token is not', () => {
    const { refusals, knock, wait } = stageOf();
    for (let at = 0; at < limits.refusalsAlarmMin - 1; at += 1) refusals.add('10.0.0.8');
    for (let at = 0; at < 100; at += 1) knock('10.0.0.9');
    expect(refusals.often()).toEqual([{ address: '10.0.0.9', refusals: 100 }]);
    wait(60_000);
    expect(refusals.often()).toEqual([]);
  });

  test('memory is bounded however many addresses there are', () => {
    const { refusals, knock } = stageOf();
    for (let at = 0; at < limits.countedAddressesMax + 10; at += 1) knock(`a${at}`);
    for (let at = 0; at < limits.refusalsAlarmMin; at += 1) refusals.add('a0');
    expect(refusals.often()).toEqual([{ address: 'a0', refusals: limits.refusalsAlarmMin }]);
  });

  test('raise one alarm each, which stays until the address was quiet for five minutes', () => {
    const alarms = new Alarms(() => ms(0));
    const intruders = new Intruders(alarms);
    const one = { address: '10.0.0.9', refusals: 60 };
    intruders.check([one], 0);
    intruders.check([{ ...one, refusals: 90 }], 10_000);
    intruders.check([], 250_000);
    expect(alarms.rows()).toMatchObject([
      { code: 'INTRUDER', source: '10.0.0.9', params: { count: 90 }, isActive: true },
    ]);
    intruders.check([], 310_000);
    expect(alarms.rows()).toMatchObject([{ code: 'INTRUDER', isActive: false }]);
  });
});

describe('the hub', () => {
  let stage: Stage;
  const raw: TcpSocket[] = [];
  afterEach(async () => {
    for (const socket of raw.splice(0)) socket.destroy();
    await stage.close();
  });
  const dial = async (): Promise<TcpSocket> => {
    const { hostname, port } = new URL(stage.hub.address);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => undefined);
    raw.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
    return socket;
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
  };

  test('more connections than its address may open are turned away, and told', async () => {
    const told: AuditAct[] = [];
    stage = await openStage({ audit: (act) => told.push(act) }, { connectionsPerAddress: 2 });
    await join(stage.agent());
    await once(stage.agent(), 'connect');
    const third = stage.agent();
    expect(await once(third, 'connect_error')).toBeInstanceOf(Error);
    expect(told).toMatchObject([{ action: 'rate_limited', details: { code: 'connections' } }]);
    expect(stage.hub.stats().limited).toBeGreaterThanOrEqual(1);
  });

  test('a connection is half open until it is let in, or has sent a whole request', async () => {
    stage = await openStage();
    await dial();
    await until(() => stage.hub.stats().halfOpen === 1);
    await join(stage.agent());
    await fetch(stage.hub.address);
    expect(stage.hub.stats().halfOpen).toBe(1);
    raw[0]?.destroy();
    await until(() => stage.hub.stats().halfOpen === 0);
  });

  test('who sends more than an auth before it is let in is cut off, and told', async () => {
    const told: AuditAct[] = [];
    stage = await openStage({ audit: (act) => told.push(act) });
    const socket = await dial();
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==';
    socket.write(
      `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n` +
        `Upgrade: websocket\r\n${key}\r\n\r\n`,
    );
    await new Promise((resolve) => socket.once('data', resolve));
    // The beginning of one long frame that never ends.
    const head = Buffer.alloc(14);
    head.writeUInt16BE(0x81ff, 0);
    head.writeBigUInt64BE(200_000n, 2);
    socket.write(Buffer.concat([head, Buffer.alloc(limits.halfOpenBytesMax + 1_000, 32)]));
    await new Promise((resolve) => socket.once('close', resolve));
    expect(told).toMatchObject([{ action: 'rate_limited', details: { code: 'half_open' } }]);
    await join(stage.agent());
  });
});

test('past the most half-open connections the oldest goes, so that the newest has a place', async () => {
  const dropped: string[] = [];
  const opened: TcpSocket[] = [];
  const half = new HalfOpen((address, why) => dropped.push(`${address} ${why}`), 3);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    half.add(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const closed: number[] = [];
  for (let at = 0; at < 5; at += 1) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.on('close', () => closed.push(at));
    opened.push(socket);
    await new Promise((resolve) => socket.once('connect', resolve));
  }
  while (closed.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  expect(closed).toEqual([0, 1]);
  expect(dropped).toHaveLength(2);
  expect(half.count).toBe(3);
  half.stop();
  for (const socket of opened) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

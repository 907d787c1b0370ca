// The parts of the socket edge: places in a storm of joins, the link's frames, who holds a node, and how many edges.
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { HubLine } from '../../agent/hubLine.ts';
import type { HubSocket } from '../../agent/hubSocket.ts';
import { edgesFor } from '../../scheduler/hub/edgeCount.ts';
import { addStats, ofPast } from '../../scheduler/hub/hubStats.ts';
import { type NodeHolder, NodeHolders } from '../../scheduler/hub/nodeHolders.ts';
import type { HubStats } from '../../scheduler/hub/ports.ts';
import { RecordLink } from '../../scheduler/hub/recordLink.ts';
import { Unjoined } from '../../scheduler/hub/unjoined.ts';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import {
  edgeFrameRecordsMax,
  edgesMax,
  hostAgentsMax,
  joinWithinMs,
} from '../../scheduler/protocol/limits.ts';

afterEach(() => {
  vi.useRealTimers();
});

describe('a connection that has not joined', () => {
  test('is closed after its time; one that has joined or is gone is not', () => {
    vi.useFakeTimers({ now: 0 });
    const unjoined = new Unjoined(() => ms(Date.now()));
    onTestFinished(() => {
      unjoined.stop();
    });
    const closed: string[] = [];
    const one = (name: string, hasJoined = false) => ({ hasJoined, close: () => closed.push(name) });
    const gone = one('gone');
    for (const each of [one('silent'), one('joined', true), gone]) unjoined.add(each);
    unjoined.remove(gone);
    vi.advanceTimersByTime(joinWithinMs - 1_000);
    unjoined.add(one('younger'));
    expect(closed).toEqual([]);
    vi.advanceTimersByTime(2_000);
    expect(closed).toEqual(['silent']);
    vi.advanceTimersByTime(joinWithinMs);
    expect(closed).toEqual(['silent', 'younger']);
    expect(unjoined.closed).toBe(2);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the link', () => {
  async function pair(): Promise<readonly [Socket, Socket]> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const there = new Promise<Socket>((resolve) => server.once('connection', resolve));
    const here = connect((server.address() as AddressInfo).port, '127.0.0.1');
    onTestFinished(() => {
      here.destroy();
      server.close();
    });
    return [here, await there];
  }
  const silent = { onRecords: () => undefined, onClosed: () => undefined };

  test('carries records in order, in few frames, also what waits for company and what is longer than a chunk', async () => {
    const [here, there] = await pair();
    const got: unknown[] = [];
    const all = edgeFrameRecordsMax * 2 + 3;
    const done = new Promise<void>((resolve) => {
      new RecordLink<unknown, never>(there, {
        onRecords: (records) => {
          got.push(...records);
          if (got.length >= all + 2) resolve();
        },
        onClosed: () => undefined,
      });
    });
    const link = new RecordLink<never, unknown>(here, silent);
    link.sendSoon(['first'], 50);
    link.send(['ö'.repeat(300_000)]);
    for (let at = 0; at < all; at += 1) link.send([at]);
    await done;
    expect(got[0]).toEqual(['first']);
    expect((got[1] as string[])[0]).toHaveLength(300_000);
    expect(got.slice(2)).toEqual(Array.from({ length: all }, (_, at) => [at]));
    expect(link.sent).toEqual({ records: all + 2, frames: 3 });
  });

  test('what waits for company leaves by itself after a moment', async () => {
    const [here, there] = await pair();
    const got = new Promise((resolve) => {
      new RecordLink<unknown, never>(there, { onRecords: resolve, onClosed: () => undefined });
    });
    new RecordLink<never, unknown>(here, silent).sendSoon(['hb'], 50);
    expect(await got).toEqual([['hb']]);
  });

  test('takes a frame that arrives byte by byte, and ends at one that nobody of ours sends', async () => {
    const [here, there] = await pair();
    const got: unknown[] = [];
    const closed = new Promise<string>((resolve) => {
      new RecordLink<unknown, never>(there, {
        onRecords: (records) => got.push(...records),
        onClosed: resolve,
      });
    });
    const body = Buffer.from('[1,"x"]');
    const head = Buffer.alloc(4);
    head.writeUInt32LE(body.length);
    here.setNoDelay(true);
    for (const byte of Buffer.concat([head, body])) {
      here.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    here.write(Buffer.from([255, 255, 255, 255, 0]));
    expect(await closed).toContain('a frame of 4294967295 bytes');
    expect(got).toEqual([1, 'x']);
  });
});

describe('holders of nodes', () => {
  test('the newest wins: the host hears of the old end before the new join, and once', () => {
    const heard: string[] = [];
    const holders = new NodeHolders((id) => heard.push(`disconnected ${id}`));
    const holder = (name: string): NodeHolder => ({
      dispatch: () => true,
      stop: () => undefined,
      closeNode: (id) => heard.push(`${name} closes ${id}`),
      held: (id) => heard.push(`${name} holds ${id}`),
      released: () => undefined,
    });
    const [a, b] = [holder('a'), holder('b')];
    const n1 = nodeId('n1');
    holders.claim(n1, a);
    holders.claim(n1, b);
    holders.release(n1, a); // the old edge reports the end of its connection
    expect(heard).toEqual(['a holds n1', 'disconnected n1', 'a closes n1', 'b holds n1']);
    expect(holders.of(n1)).toBe(b);
    holders.release(n1, b);
    expect(heard.at(-1)).toBe('disconnected n1');
    expect(holders.of(n1)).toBeUndefined();
  });
});

describe('how many edges', () => {
  test.each([
    [0, 20_000, 0],
    [hostAgentsMax, 20_000, 0],
    [hostAgentsMax + 1, 20_000, 1],
    [20_000, 20_000, 2],
    [50_000, 20_000, 3],
    [900, 1_024, 2],
    [50_000, 1_024, edgesMax],
  ])('%i agents with %i open files: %i', (agents, files, edges) => {
    expect(edgesFor(agents, files)).toBe(edges);
  });

  test('their counts are added, their delays are not', () => {
    const stats = (number: number): HubStats => ({
      agents: number,
      consoles: 1,
      messagesIn: number,
      messagesOut: number,
      badMessages: number,
      refusedConnections: number,
      movedConnections: number,
      laterConnections: number,
      neverJoined: number,
      tlsHandshakes: number,
      tlsResumed: number,
      tlsFailures: number,
      plainTextRefused: number,
      loopP99Ms: number,
      loopMaxMs: number,
      limited: number,
      slowdowns: number,
      halfOpen: number,
      refusedOften: [{ address: '10.0.0.1', refusals: number }],
      isFull: false,
      joinsPerSecond: number,
      joinsWaiting: number,
      joinsInFlight: number,
      sockets: 10 - number,
      socketsMax: 10,
      outboxMost: number,
    });
    const all = addStats(stats(1), [stats(2), undefined, stats(4)]);
    expect(all).toMatchObject({ messagesIn: 7, neverJoined: 7, loopP99Ms: 4, loopMaxMs: 4, consoles: 1 });
    expect(all).toMatchObject({ joinsPerSecond: 7, outboxMost: 4, sockets: 9, socketsMax: 10 });
    expect(addStats(ofPast(stats(4)), [stats(1)])).toMatchObject({ messagesIn: 5, joinsPerSecond: 1 });
  });
});

describe('the line of an agent', () => {
  function line() {
    const opened: string[] = [];
    const socket = { off: () => undefined, disconnect: () => undefined, connect: () => undefined };
    const hubLine = new HubLine('http://10.0.0.5:7443', (url) => {
      opened.push(url);
      return socket as unknown as HubSocket;
    });
    return { hubLine, opened };
  }

  test('goes to the port it was handed, and back to the first one where nobody answers there, in turns', () => {
    const { hubLine, opened } = line();
    expect(hubLine.handed(7_445)).toBe(true);
    hubLine.connect();
    hubLine.failed();
    hubLine.connect();
    hubLine.failed();
    hubLine.connect();
    expect(opened).toEqual([
      'http://10.0.0.5:7443',
      'http://10.0.0.5:7445/',
      'http://10.0.0.5:7443',
      'http://10.0.0.5:7445/',
    ]);
  });

  test('keeps a socket while the port is the same, and forgets a port where the first one takes it', () => {
    const { hubLine, opened } = line();
    hubLine.connect();
    hubLine.connect();
    hubLine.handed(7_445);
    hubLine.failed();
    hubLine.connect();
    hubLine.joined();
    hubLine.failed();
    hubLine.connect();
    expect(opened).toEqual(['http://10.0.0.5:7443']);
  });

  test.each([undefined, 0, 65_536, 1.5])('is not sent to port %s', (port) => {
    expect(line().hubLine.handed(port)).toBe(false);
  });
});

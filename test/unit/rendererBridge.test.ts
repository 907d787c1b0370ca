// The bridge: one reply per call, refusals and lost links told apart, subscriptions kept over reconnects.
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { createBridge, LinkError, RefusalError } from '../../renderer/bridge.ts';
import type { TransportEvents } from '../../renderer/link/transport.ts';
import { taskId } from '../../scheduler/protocol/brands.ts';
import type { Request } from '../../scheduler/protocol/consoleWire.ts';

function stage() {
  const sent: Request[] = [];
  let events: TransportEvents | undefined;
  const bridge = createBridge({
    start: (given) => {
      events = given;
    },
    send: (request) => sent.push(request),
  });
  const of = () => {
    if (!events) throw new Error('not started');
    return events;
  };
  const lastId = () => sent.at(-1)?.id ?? 0;
  async function open(): Promise<void> {
    of().opened();
    of().received({ id: lastId(), ok: true, result: { version: '0.1.0', who: { role: 'viewer' } } });
    await vi.advanceTimersByTimeAsync(0);
  }
  return { bridge, sent, of, lastId, open };
}
beforeEach(() => {
  vi.useFakeTimers();
});

describe('bridge', () => {
  test('greets the host before it calls the link live', async () => {
    const { bridge, sent, open } = stage();
    await open();
    expect(sent[0]?.method).toBe('hello');
    expect(bridge.link.value.state).toBe('live');
  });
  test('gives a reply to its call only', async () => {
    const { bridge, of, lastId, open } = stage();
    await open();
    const first = bridge.call('listEnrolments', {});
    const firstId = lastId();
    const second = bridge.call('listNodes', {});
    of().received({ id: lastId(), ok: true, result: { rows: [], total: 0 } });
    of().received({ id: firstId, ok: true, result: { token: 'x' } });
    await expect(first).resolves.toEqual({ token: 'x' });
    await expect(second).resolves.toEqual({ rows: [], total: 0 });
  });
  test('a refusal reaches the caller with its code and field', async () => {
    const { bridge, of, lastId, open } = stage();
    await open();
    const call = bridge.call('getTask', { taskId: 5 });
    of().received({ id: lastId(), ok: false, refusal: { code: 'unknown_task', message: 'no T-5' } });
    await expect(call).rejects.toSatisfy(
      (error) => error instanceof RefusalError && error.refusal.code === 'unknown_task',
    );
  });
  test('a call without an answer fails after 10 s', async () => {
    const { bridge, open } = stage();
    await open();
    const call = bridge.call('getTask', { taskId: 5 });
    const failed = expect(call).rejects.toSatisfy(
      (error) => error instanceof LinkError && error.code === 'timeout',
    );
    await vi.advanceTimersByTimeAsync(10_000);
    await failed;
  });
  test('calls fail at once when the link closes, and while it is down', async () => {
    const { bridge, of, open } = stage();
    await open();
    const call = bridge.call('getTask', { taskId: 5 });
    of().closed('closed', 'transport close');
    await expect(call).rejects.toBeInstanceOf(LinkError);
    await expect(bridge.call('getTask', { taskId: 5 })).rejects.toBeInstanceOf(LinkError);
  });
  test('subscriptions are asked for again after a reconnect, and not after they ended', async () => {
    const { bridge, sent, of, open } = stage();
    bridge.keepOn({ method: 'watchOverview' });
    const stop = bridge.keepOn({ method: 'watchLog', taskId: taskId(7) });
    await open();
    expect(sent.map(({ method }) => method)).toEqual(['hello', 'watchOverview', 'watchLog']);
    stop();
    of().closed('closed', '');
    sent.length = 0;
    await open();
    expect(sent.map(({ method }) => method)).toEqual(['hello', 'watchOverview']);
  });
});

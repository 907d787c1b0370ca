// While a host recovers: whoever calls is told so, with how far it is; the address is free for the hub afterwards.
import { createServer } from 'node:http';
import { afterEach, describe, expect, test } from 'vitest';
import { openRecoveringDoor, type RecoveringDoor } from '../../scheduler/host/recoveringDoor.ts';

const place = { listen: '127.0.0.1', port: 0, pages: '/nowhere' };
const opened: RecoveringDoor[] = [];
afterEach(async () => {
  for (const door of opened.splice(0)) await door.close();
});

async function openDoor(): Promise<RecoveringDoor> {
  const door = await openRecoveringDoor(place);
  if (!door.ok) throw new Error(door.reason.message);
  opened.push(door.value);
  return door.value;
}
const ask = (door: RecoveringDoor, path: string): Promise<Response> =>
  fetch(`http://127.0.0.1:${String(door.port)}${path}`);

describe('while the host recovers', () => {
  test('the health says how far it is', async () => {
    const door = await openDoor();
    door.progressed({ stage: 'loading', done: 30, total: 120 });
    const answer = await ask(door, '/health');
    // Alive: whoever ends it for being unready would have it begin anew.
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ state: 'recovering', stage: 'loading', done: 30, total: 120 });
  });

  test('it is not ready, and says why', async () => {
    const door = await openDoor();
    door.progressed({ stage: 'loading', done: 30, total: 120 });
    const answer = await ask(door, '/ready');
    expect(answer.status).toBe(503);
    const message = 'the host is recovering (loading, 25 %); nothing is lost';
    expect(await answer.json()).toEqual({ isReady: false, reasons: [{ code: 'recovering', message }] });
  });

  test.each(['/api/v1/tasks', '/socket.io/?EIO=4&transport=websocket', '/metrics'])(
    '%s is told to come back',
    async (path) => {
      const door = await openDoor();
      door.progressed({ stage: 'replaying', done: 1, total: 2 });
      const answer = await ask(door, path);
      expect(answer.status).toBe(503);
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(await answer.json()).toMatchObject({
        code: 'recovering',
        status: 503,
        detail: expect.stringContaining('replaying, 50 %') as string,
      });
    },
  );

  test('its port is free once it is closed', async () => {
    const door = await openDoor();
    await door.close();
    const next = createServer();
    await new Promise<void>((resolve, reject) => {
      next.once('error', reject);
      next.listen(door.port, '127.0.0.1', () => {
        resolve();
      });
    });
    await new Promise((resolve) => next.close(resolve));
  });

  test('a port that is taken is refused by name', async () => {
    const door = await openDoor();
    const second = await openRecoveringDoor({ ...place, port: door.port });
    expect(second).toMatchObject({
      ok: false,
      reason: {
        code: 'cannot_listen',
        message: expect.stringContaining('another program uses it') as string,
      },
    });
  });
});

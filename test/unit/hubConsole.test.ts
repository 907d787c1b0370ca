// Consoles over Socket.IO: how their links behave, and what happens to one that does not read.
import { afterEach, expect, test } from 'vitest';
import type { Push } from '../../scheduler/protocol/consoleFrames.ts';
import { once, openStage, refusalOf, type Stage } from './hubStage.ts';

let stage: Stage;
afterEach(() => stage.close());

const push: Push = { push: 'log', taskId: 1 as never, pieces: [] };

test('messages go both ways, and the host hears once that the console is gone', async () => {
  stage = await openStage();
  const socket = stage.console();
  await stage.next('console');
  const [link] = stage.links;
  if (link === undefined) throw new Error('no link');
  expect(link.session).toMatchObject({ user: 'owner', source: '127.0.0.1' });
  const received = new Promise((resolve) => {
    link.onMessage(resolve);
  });
  const closed = new Promise<void>((resolve) => {
    link.onClose(resolve);
  });
  socket.emit('m', { id: 1, method: 'hello' });
  expect(await received).toEqual({ id: 1, method: 'hello' });
  const answer = once(socket, 'm');
  expect(link.send({ id: 1, ok: true, result: 5 })).toBe(true);
  expect(await answer).toEqual({ id: 1, ok: true, result: 5 });
  socket.disconnect();
  await closed;
  expect(link.send(push)).toBe(false);
  expect(stage.hub.stats().consoles).toBe(0);
});

test('pushed frames that wait for the socket are skipped beyond 64, and go again when it has caught up', async () => {
  stage = await openStage();
  const socket = stage.console();
  await stage.next('console');
  const [link] = stage.links;
  const answers = Array.from({ length: 200 }, () => link?.send(push));
  const sent = answers.filter((wasSent) => wasSent).length;
  // One more where the socket was idle: that one does not wait.
  expect(sent === 64 || sent === 65).toBe(true);
  const reply = new Promise<void>((resolve) => {
    socket.on('m', (message: { id?: number }) => {
      if (message.id === 1) resolve();
    });
  });
  expect(link?.send({ id: 1, ok: true, result: {} })).toBe(true);
  await reply;
  expect(link?.send(push)).toBe(true);
});

test('a slow console gets fewer overviews: what waits for its socket is no older than two rounds', async () => {
  stage = await openStage();
  const socket = stage.console();
  await stage.next('console');
  const [link] = stage.links;
  const overview = { push: 'overview', sequence: 1 } as never;
  const sent = Array.from({ length: 20 }, () => link?.send(overview)).filter((wasSent) => wasSent).length;
  expect(sent === 8 || sent === 9).toBe(true);
  expect(link?.send(push)).toBe(true); // output and replies still go
  const reply = new Promise<void>((resolve) => {
    socket.on('m', (message: { id?: number }) => {
      if (message.id === 1) resolve();
    });
  });
  expect(link?.send({ id: 1, ok: true, result: {} })).toBe(true);
  await reply;
  expect(link?.send(overview)).toBe(true);
});

test('a console that does not even read its replies is let go', async () => {
  stage = await openStage();
  const socket = stage.console();
  await stage.next('console');
  const gone = once(socket, 'disconnect');
  const [link] = stage.links;
  let sent = 0;
  while (link?.send({ id: 1, ok: true, result: {} }) === true) sent += 1;
  expect(sent === 1_024 || sent === 1_025).toBe(true);
  await gone;
});

test('the 65th console is told that there are too many', async () => {
  stage = await openStage();
  for (let i = 0; i < 64; i += 1) await once(stage.console(), 'connect');
  expect(await refusalOf(stage.console())).toMatchObject({ code: 'too_many' });
  expect(stage.hub.stats()).toMatchObject({ consoles: 64, refusedConnections: 1 });
});

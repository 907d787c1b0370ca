// Frames that no Socket.IO client would send: the hub closes what it cannot read, and serves the others on.
import { afterEach, expect, test } from 'vitest';
import { agentWireVersion } from '../../scheduler/protocol/limits.ts';
import { join, openStage, pair, type Stage } from './hubStage.ts';

let stage: Stage;
afterEach(() => stage.close());

const auth = JSON.stringify({ wire: agentWireVersion, nodeId: 'n1', publicKey: pair.publicKey });

test.each([
  ['an auth that is null', ['40/agent,null']],
  ['an auth that is a list', ['40/agent,[1]']],
  ['an auth that is no JSON', ['40/agent,{{{']],
  ['a namespace that does not exist', ['40/admin,{}', '42/admin,["m"]']],
  ['a message before the namespace is joined', ['42/agent,["join",{}]']],
  ['no Socket.IO at all', ['hello']],
  ['a message that is no list', [`40/agent,${auth}`, '42/agent,{}']],
  ['a message with an endless attachment count', [`40/agent,${auth}`, '45999999999-/agent,["hb"]']],
  ['a reserved event name', [`40/agent,${auth}`, '42/agent,["disconnect"]']],
])('%s ends the connection, and only this one', async (_what, frames) => {
  stage = await openStage();
  const { host } = new URL(stage.hub.address);
  const raw = new WebSocket(`ws://${host}/socket.io/?EIO=4&transport=websocket`);
  const closed = new Promise((resolve) => {
    raw.addEventListener('close', resolve);
  });
  const waitFor = (text: string) =>
    new Promise<void>((resolve) => {
      const listen = ({ data }: MessageEvent): void => {
        if (String(data).startsWith(text)) resolve();
      };
      raw.addEventListener('message', listen);
    });
  await waitFor('0{');
  for (const frame of frames) {
    const answer = frame.startsWith('40/agent,{"') ? waitFor('40/agent,{') : undefined;
    raw.send(frame);
    await answer;
  }
  await closed;
  // Counted against the node where it is known, which is from the second frame on.
  const badMessages = frames[0]?.startsWith('40/agent,{"') === true ? 1 : 0;
  expect(stage.hub.stats()).toMatchObject({ agents: 0, badMessages });
  await join(stage.agent());
});

test('an event whose name is a number is refused like an unknown one', async () => {
  stage = await openStage();
  const agent = stage.agent();
  await join(agent);
  const told = new Promise((resolve) => agent.once('refused', resolve));
  agent.emit(7 as never, {});
  expect(await told).toMatchObject({ code: 'bad_message', message: 'there is no message named 7' });
});

test('requests that are not for Socket.IO get a plain 404, or the answer of the host', async () => {
  stage = await openStage({}, { http: (_request, response) => response.end('a page') });
  expect(await (await fetch(stage.hub.address)).text()).toBe('a page');
  await stage.close();
  stage = await openStage();
  expect((await fetch(`${stage.hub.address}/anything`)).status).toBe(404);
  expect((await fetch(`${stage.hub.address}/socket.io/?EIO=4&transport=polling`)).status).toBe(400);
});

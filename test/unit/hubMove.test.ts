// An agent at the first port of a hub with edges: handed its port with the answer to its upgrade, and nowhere else to.
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { memoryCredentials } from '../../agent/credentials.ts';
import { VirtualAgent } from '../../agent/fleet/virtualAgent.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import { nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { refusal } from '../../scheduler/protocol/outcome.ts';
import { enrolToken, openStage, type Stage } from './hubStage.ts';

const ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

test('it joins at the port it was handed, costs the first one no handshake, and comes back to that port', async () => {
  const edge = await hub();
  const moved = refusal('moved', 'agents connect elsewhere', { port: portOf(edge) });
  const first = await hub(() => moved);
  const agent = agentOf(first.hub.address);
  await until(() => agent.connection.isJoined);
  expect(edge.calls).toContain('join n7');
  expect(first.calls).toEqual([]);
  expect(first.hub.stats()).toMatchObject({ movedConnections: 1, messagesOut: 0, agents: 0 });
  edge.hub.closeNode(nodeId('n7'), 'the test says so');
  await until(() => agent.connection.counts.joins === 2);
  expect(first.hub.stats().movedConnections).toBe(1);
  expect(agent.connection.counts.malformed).toBe(0);
});

test('it does not take its secret to another host, whatever the hub says', async () => {
  let came = 0;
  const elsewhere = await httpServer((server) => server.on('connection', () => (came += 1)));
  const first = await httpServer((server) =>
    server.on('upgrade', (request, socket) => {
      const location = `http://localhost:${String(elsewhere)}${request.url ?? ''}`;
      socket.end(`HTTP/1.1 307 Temporary Redirect\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`);
    }),
  );
  const said: string[] = [];
  agentOf(`http://127.0.0.1:${String(first)}`, said);
  await until(() => said.some((line) => line.includes('which is not at 127.0.0.1')));
  expect(came).toBe(0);
});

test('told its place with the answer to its upgrade, it comes back then and with its name', async () => {
  const asked: { url: string; atMs: number }[] = [];
  const port = await httpServer((server) =>
    server.on('upgrade', (request, socket) => {
      asked.push({ url: request.url ?? '', atMs: performance.now() });
      socket.end('HTTP/1.1 503 Service Unavailable\r\nretry-after-ms: 300\r\nContent-Length: 0\r\n\r\n');
    }),
  );
  const said: string[] = [];
  agentOf(`http://127.0.0.1:${String(port)}`, said);
  await until(() => asked.length === 2);
  const [first, second] = asked;
  expect((second?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThan(290);
  expect(second?.url).toContain('node=n7');
  expect(said[0]).toContain('the place of this one is in 300 ms');
});

test('a hub with no room tells a place before any handshake', async () => {
  const stage = await hub();
  const spare = 310; // the burst of joins at once, and what comes to it meanwhile
  const answers = await Promise.all(
    Array.from({ length: spare }, (_, at) => upgradeOf(portOf(stage), `for=agent&node=crowd-${String(at)}`)),
  );
  expect(answers.filter((text) => text.startsWith('HTTP/1.1 101 ')).length).toBeLessThan(spare);
  expect(answers.find((text) => text.startsWith('HTTP/1.1 503 '))).toMatch(
    /\r\nretry-after-ms: [1-9]\d*\r\n/,
  );
  expect(stage.hub.stats().laterConnections).toBeGreaterThan(0);
});

test('who calls the hub by no name that can be repeated is let through and answered as before', async () => {
  const moved = refusal('moved', 'agents connect elsewhere', { port: 7_445 });
  const { hub: first } = await hub(() => moved);
  const { port } = new URL(first.address);
  const answer = await upgradeOf(Number(port), 'for=agent', 'a/b?c');
  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  expect(first.stats().movedConnections).toBe(0);
});

/** What an upgrade is answered with. */
function upgradeOf(port: number, query: string, name = '127.0.0.1'): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(
        `GET /socket.io/?EIO=4&transport=websocket&${query} HTTP/1.1\r\nHost: ${name}\r\n` +
          'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n' +
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      );
    });
    socket.on('error', () => undefined); // cut off by the hub that ends
    socket.once('data', (data) => {
      resolve(data.toString());
      socket.destroy();
    });
  });
}

async function hub(direct?: () => ReturnType<typeof refusal>): Promise<Stage> {
  const stage = await openStage({}, direct === undefined ? {} : { direct });
  ends.push(() => stage.close());
  return stage;
}

const portOf = (stage: Stage): number => Number(new URL(stage.hub.address).port);

function agentOf(url: string, said: string[] = []): VirtualAgent {
  const spec = decode(
    nodeSpecSchema,
    { resources: { cpu: 1_000, memory: 64 }, kinds: ['simulated'], agentVersion: 'test' },
    'node',
  );
  if (!spec.ok) throw new Error(spec.reason.message);
  const agent = new VirtualAgent({
    ...{ url, nodeId: nodeId('n7'), credentials: memoryCredentials(enrolToken), spec: spec.value },
    log: (_level, message) => said.push(message),
    retry: { minMs: 10, maxMs: 50, slowMs: 50 },
  });
  ends.push(() => agent.stop());
  void agent.start();
  return agent;
}

/** Its port. */
function httpServer(prepare: (server: Server) => unknown): Promise<number> {
  const server = createServer();
  prepare(server);
  ends.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

// The alternative: agents on bare Socket.IO that tell one result at a time and wait for its answer, to a server that
// stores nothing.
import { createServer, type AddressInfo } from 'node:net';
import { createServer as createHttp } from 'node:http';
import { io } from 'socket.io-client';
import { Server } from 'socket.io';

/** Seconds until `agents` have told `each` results, all connected before. */
export async function oneByOneS(agents: number, each: number): Promise<number> {
  const http = createHttp();
  const server = new Server(http, { transports: ['websocket'] });
  server.on('connection', (socket) => {
    socket.on('result', (_result: unknown, answer: () => void) => {
      answer();
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${String((http.address() as AddressInfo).port)}`;
  const sockets = Array.from({ length: agents }, () =>
    io(url, { transports: ['websocket'], forceNew: true }),
  );
  await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.once('connect', resolve))));
  const startMs = performance.now();
  await Promise.all(
    sockets.map(async (socket, agent) => {
      for (let at = 0; at < each; at += 1)
        await socket.emitWithAck('result', {
          token: agent * each + at,
          end: { reason: 'exit', exitCode: 0 },
        });
    }),
  );
  const tookS = (performance.now() - startMs) / 1_000;
  for (const socket of sockets) socket.disconnect();
  await server.close();
  return tookS;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

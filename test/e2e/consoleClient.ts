// A program that speaks the console's contract over Socket.IO, as any other program may.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { io } from 'socket.io-client';
import {
  consoleNamespace,
  type Method,
  type ParamsInput,
  type Reply,
  type Results,
} from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';

export interface ConsoleClient {
  call<M extends Method>(method: M, params: ParamsInput<M>): Promise<Results[M]>;
  close(): void;
}

/** The token of windows, as the host keeps it. */
export function readSecrets(dataFolder: string): { consoleToken: string } {
  return JSON.parse(readFileSync(join(dataFolder, 'secrets.json'), 'utf8')) as {
    consoleToken: string;
  };
}

/** Without a token: as nobody, who may log in. `ca`: PEM of the plant's authority, where it speaks TLS. */
export async function connectConsole(address: string, token?: string, ca?: string): Promise<ConsoleClient> {
  const socket = io(`${address}${consoleNamespace}`, {
    auth: { wire: consoleWireVersion, ...(token !== undefined && { token }) },
    transports: ['websocket'],
    reconnection: false,
    ...(ca !== undefined && { ca }),
  });
  const waiting = new Map<number, (reply: Reply) => void>();
  socket.on('m', (message: Reply | { push: string }) => {
    if ('push' in message) return;
    waiting.get(message.id)?.(message);
    waiting.delete(message.id);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
  let lastId = 0;
  const client: ConsoleClient = {
    call: (method, params) => {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve, reject) => {
        waiting.set(id, (reply) => {
          if (reply.ok) resolve(reply.result as never);
          else reject(new Error(`${method}: ${reply.refusal.message}`));
        });
        socket.emit('m', { id, method, params });
      });
    },
    close: () => {
      socket.close();
    },
  };
  await client.call('hello', { wire: consoleWireVersion });
  return client;
}

/** A port that is free now; for a hub that has to come back at the same address. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const found = server.address();
      server.close(() => {
        if (typeof found === 'object' && found) resolve(found.port);
        else reject(new Error('no port'));
      });
    });
  });
}

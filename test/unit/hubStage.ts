// A hub on loopback with handlers that remember what they were given, and real Socket.IO clients for it.
import { io, type Socket } from 'socket.io-client';
import { hashSecret, secretMatches } from '../../scheduler/hub/secrets.ts';
import { openHub } from '../../scheduler/hub/hub.ts';
import type { Hub, HubHandlers, HubOptions } from '../../scheduler/hub/ports.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { epoch, ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { ConsoleLink } from '../../scheduler/protocol/consoleLink.ts';
import { agentWireVersion, consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { accepted, type Refusal } from '../../scheduler/protocol/outcome.ts';

export const enrolToken = 'plant-token';
export const consoleToken = 'console-token';
export const nodeKey = 'key-of-n1';
export const spec = { resources: { cpu: 4_000, memory: 8_192 }, kinds: ['command'], agentVersion: '0.1.0' };

export interface Stage {
  readonly hub: Hub;
  readonly keyHashes: Map<string, string>;
  /** What the handlers were given, in order, for example `join n1`. */
  readonly calls: string[];
  readonly links: ConsoleLink[];
  readonly logLines: string[];
  /** Resolves when the handler of that name is called next. */
  readonly next: (name: string) => Promise<void>;
  readonly agent: (auth?: Record<string, unknown>) => Socket;
  readonly console: (auth?: Record<string, unknown>, headers?: Record<string, string>) => Socket;
  readonly close: () => Promise<void>;
}

export async function openStage(
  handlers: Partial<HubHandlers> = {},
  options: Partial<HubOptions> = {},
): Promise<Stage> {
  const keyHashes = new Map([['n1', hashSecret(nodeKey)]]);
  const calls: string[] = [];
  const links: ConsoleLink[] = [];
  const logLines: string[] = [];
  const waiting = new Map<string, () => void>();
  const called = (name: string, detail: string): void => {
    calls.push(`${name} ${detail}`);
    waiting.get(name)?.();
  };
  const opened = await openHub({
    listen: '127.0.0.1',
    port: 0,
    clock: () => ms(Date.now()),
    log: (_level, message, fields) => logLines.push(`${message} ${JSON.stringify(fields)}`),
    ...options,
    handlers: { ...recorders(keyHashes, links, called), ...handlers },
  });
  if (!opened.ok) throw new Error(opened.reason.message);
  const hub = opened.value;
  const sockets: Socket[] = [];
  const connect = (path: string, auth: object, extraHeaders: Record<string, string> = {}): Socket => {
    const settings = { transports: ['websocket'], reconnection: false, forceNew: true, auth, extraHeaders };
    const socket = io(`${hub.address}${path}`, settings);
    sockets.push(socket);
    return socket;
  };
  return {
    hub,
    keyHashes,
    calls,
    links,
    logLines,
    next: (name) =>
      new Promise((resolve) => {
        waiting.set(name, resolve);
      }),
    agent: (auth) => connect('/agent', { wire: agentWireVersion, nodeId: 'n1', ...(auth ?? { nodeKey }) }),
    console: (auth, headers) =>
      connect('/console', auth ?? { wire: consoleWireVersion, token: consoleToken }, headers),
    close: async () => {
      for (const socket of sockets) socket.disconnect();
      await hub.close();
    },
  };
}

function recorders(
  keyHashes: Map<string, string>,
  links: ConsoleLink[],
  called: (name: string, detail: string) => void,
): HubHandlers {
  return {
    nodeKeyHash: (id) => keyHashes.get(id),
    enrolmentTokenMatches: (given) => secretMatches(given, hashSecret(enrolToken)),
    consoleTokenMatches: (given) => secretMatches(given, hashSecret(consoleToken)),
    enrol: (id, hash) => {
      keyHashes.set(id, hash);
      return Promise.resolve(accepted(undefined));
    },
    join: (id) => {
      called('join', id);
      return Promise.resolve(accepted({ epoch: epoch(7), revoked: [token(3)] }));
    },
    heartbeat: (id, frame) => {
      called('heartbeat', `${id} ${JSON.stringify(frame)}`);
    },
    started: (id, tokens) => {
      called('started', `${id} ${tokens.join()}`);
    },
    results: (id, results) => {
      called('results', `${id} ${results.map((result) => result.token).join()}`);
      return Promise.resolve(accepted(undefined));
    },
    check: (id, tokens) => {
      called('check', `${id} ${tokens.join()}`);
      return tokens.filter((each) => each % 2 === 0);
    },
    log: (_id, chunk) => Promise.resolve(chunk.offset + chunk.bytes),
    disconnected: (id) => {
      called('disconnected', id);
    },
    console: (link) => {
      links.push(link);
      called('console', link.actor);
    },
  };
}

/** The first argument of the next such event. */
export const once = (socket: Socket, event: string): Promise<unknown> =>
  new Promise((resolve) => socket.once(event, resolve));

/** Why the connection was refused. */
export async function refusalOf(socket: Socket): Promise<Refusal> {
  const connected = once(socket, 'connect').then(() => new Error('it was let in'));
  const error = (await Promise.race([once(socket, 'connect_error'), connected])) as Error & {
    data?: Refusal;
  };
  if (error.data === undefined) throw error;
  return error.data;
}

export async function join(socket: Socket): Promise<Record<string, unknown>> {
  socket.emit('join', { spec, held: [] });
  return (await once(socket, 'welcome')) as Record<string, unknown>;
}

export const dispatchOf = (number: number, argument = 'x'): Dispatch => ({
  token: token(number),
  taskId: taskId(number),
  attempt: 1,
  epoch: epoch(7),
  work: { kind: 'command', argv: ['true', argument], shell: false, env: {} },
  timeoutMs: 1_000,
  graceMs: 100,
  cpu: 100,
  memory: 64,
  gpuMask: 0,
});
export const n1 = nodeId('n1');

// A hub on loopback with handlers that remember what they were given, and real Socket.IO clients for it.
import { io, type Socket } from 'socket.io-client';
import { KeyPair } from '../../agent/keyPair.ts';
import { hashSecret, secretMatches } from '../../scheduler/hub/secrets.ts';
import { openHub } from '../../scheduler/hub/hub.ts';
import type { Hub, HubHandlers, HubOptions } from '../../scheduler/hub/ports.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { epoch, ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import type { ConsoleLink } from '../../scheduler/protocol/consoleLink.ts';
import { agentWireVersion, consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { keyOfPublic, type NodeKey } from '../../scheduler/protocol/identity.ts';
import { joinText } from '../../scheduler/protocol/nodeProof.ts';
import { accepted, refusal, type Refusal } from '../../scheduler/protocol/outcome.ts';

export const enrolToken = 'plant-token';
export const consoleToken = 'console-token';
/** Of node n1. */
export const pair = KeyPair.make();
export const spec = { resources: { cpu: 4_000, memory: 8_192 }, kinds: ['command'], agentVersion: '0.1.0' };

export interface Stage {
  readonly hub: Hub;
  readonly keys: Map<string, NodeKey>;
  /** What the handlers were given, in order, for example `join n1`. */
  readonly calls: string[];
  /** What the trail was told, for example `agent_refused 127.0.0.1`. */
  readonly audits: string[];
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
  const keys = new Map([['n1', keyOfPublic(pair.publicKey)]]);
  const calls: string[] = [];
  const audits: string[] = [];
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
    handlers: { ...recorders(keys, { links, audits }, called), ...handlers },
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
    keys,
    calls,
    audits,
    links,
    logLines,
    next: (name) =>
      new Promise((resolve) => {
        waiting.set(name, resolve);
      }),
    agent: (auth) => {
      const { publicKey } = pair;
      return connect('/agent', { wire: agentWireVersion, nodeId: 'n1', publicKey, ...auth });
    },
    console: (auth, headers) =>
      connect('/console', auth ?? { wire: consoleWireVersion, token: consoleToken }, headers),
    close: async () => {
      for (const socket of sockets) socket.disconnect();
      await hub.close();
    },
  };
}

function recorders(
  keys: Map<string, NodeKey>,
  { links, audits }: Pick<Stage, 'links' | 'audits'>,
  called: (name: string, detail: string) => void,
): HubHandlers {
  return {
    nodeKey: (id) => keys.get(id),
    enrolmentHindrance: (hash) =>
      hash === hashSecret(enrolToken) ? undefined : refusal('wrong_token', 'the token is wrong'),
    consoleSession: (given, source) => {
      const session = { user: given === undefined ? 'nobody' : 'owner', source };
      if (given === undefined) return () => ({ ...session, role: 'nobody', queues: [] });
      if (!secretMatches(given, hashSecret(consoleToken))) return undefined;
      return () => ({ ...session, role: 'administrator', queues: '*' });
    },
    enrol: (id, publicKey) => {
      keys.set(id, keyOfPublic(publicKey));
      return Promise.resolve(accepted(undefined));
    },
    replaceKey: (id, _from, publicKey) => {
      keys.set(id, keyOfPublic(publicKey));
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
      called('console', `${link.session.user}@${link.session.source}`);
    },
    audit: ({ action, source }) => {
      audits.push(`${action} ${source}`);
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

export interface Joiner {
  readonly id?: string;
  readonly by?: KeyPair;
  /** What was signed, where it is not what is sent. */
  readonly signed?: object;
  /** Of which connection it speaks, where that is another one. */
  readonly socketId?: string;
}

/** Sends a join, signed, once the socket is connected. */
export async function sendJoin(socket: Socket, joiner: Joiner = {}): Promise<void> {
  if (!socket.connected) await once(socket, 'connect');
  const { id = 'n1', by = pair, signed = spec, socketId = socket.id ?? '' } = joiner;
  const proofs = [by.sign(joinText(nodeId(id), socketId, { spec: signed, held: [] }))];
  socket.emit('join', { spec, held: [], proofs });
}

export async function join(socket: Socket, joiner: Joiner = {}): Promise<Record<string, unknown>> {
  await sendJoin(socket, joiner);
  return (await once(socket, 'welcome')) as Record<string, unknown>;
}

/** Why its join was refused. */
export async function joinRefusal(socket: Socket, joiner: Joiner = {}): Promise<Refusal> {
  const told = once(socket, 'refused');
  const welcomed = once(socket, 'welcome').then(() => new Error('it was welcomed'));
  await sendJoin(socket, joiner);
  const reason = await Promise.race([told, welcomed]);
  if (reason instanceof Error) throw reason;
  return reason as Refusal;
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

// Tells agents where to connect, or when, before anything is spent on them: a WebSocket and a Socket.IO handshake, only
// to be told `moved` or `later`, would cost more than the join itself, and in a storm most are told so.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { NodeId } from '../protocol/brands.ts';
import { retryAfterHeader } from '../protocol/agentWire.ts';
import { nameLengthMax } from '../protocol/limits.ts';

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

export interface UpgradeJudge {
  /** Where an agent should go; nothing: this process takes it, or tells it more once it can be told. */
  readonly portOf: () => number | undefined;
  /** 0: it may connect now. Otherwise the milliseconds until its place in the line. */
  readonly waitMs: (nodeId: NodeId) => number;
}

export function answerAtUpgrade(server: Server, { portOf, waitMs }: UpgradeJudge): void {
  const others = server.listeners('upgrade') as Upgrade[];
  server.removeAllListeners('upgrade');
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const query = agentQuery(request);
    const name = query && hostNameOf(request);
    const port = name === undefined ? undefined : portOf();
    if (name !== undefined && port !== undefined) {
      const scheme = 'encrypted' in socket ? 'https' : 'http';
      const location = `${scheme}://${name}:${port}${request.url ?? ''}`;
      answer(socket, '307 Temporary Redirect', `Location: ${location}`);
      return;
    }
    const nodeId = query?.get('node');
    const retryAfterMs = isName(nodeId) ? waitMs(nodeId as NodeId) : 0;
    if (retryAfterMs > 0) {
      answer(socket, '503 Service Unavailable', `${retryAfterHeader}: ${retryAfterMs}`);
      return;
    }
    corked(socket);
    for (const other of others) other.call(server, request, socket, head);
  });
}

function answer(socket: Duplex, status: string, header: string): void {
  // An agent that is gone by now needs no answer.
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status}\r\n${header}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
}

/** The answer to the upgrade and Engine.IO's first packet leave together: each write costs as much as all the rest. */
function corked(socket: Duplex): void {
  socket.cork();
  setImmediate(() => {
    socket.uncork();
  });
}

/** Agents that follow such answers say what they are; others are told in Socket.IO's own way. */
function agentQuery({ url = '' }: IncomingMessage): URLSearchParams | undefined {
  if (!url.includes('for=agent')) return undefined;
  return new URLSearchParams(url.slice(url.indexOf('?') + 1));
}

const isName = (text: string | null | undefined): boolean =>
  typeof text === 'string' && text !== '' && text.length <= nameLengthMax;

/** As the agent called us: the same machine may have many names. */
function hostNameOf({ headers }: IncomingMessage): string | undefined {
  const found = /^(\[[0-9a-fA-F:]+\]|[\w.-]+)(:\d+)?$/.exec(headers.host ?? '');
  return found?.[1];
}

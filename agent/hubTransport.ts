// The WebSocket of an agent: follows a hub that says, before any handshake, at which port agents connect, or when.
import type { IncomingMessage } from 'node:http';
import { NodeWebSocket } from 'socket.io-client';
import { retryAfterHeader } from '../scheduler/protocol/agentWire.ts';

/** Given with the other options of the socket. */
interface MoveOptions {
  readonly onMoved?: (port: number) => unknown;
}
interface Destroyed {
  readonly destroy: (error: Error) => void;
}
/** What we use of the socket that `createSocket` makes. */
interface AnsweredSocket {
  on(event: 'redirect', listener: (url: string, request: Destroyed) => void): void;
  on(event: 'unexpected-response', listener: (request: Destroyed, response: IncomingMessage) => void): void;
}

/** Many come at once: this one has its place in their line. */
export class ToldLater extends Error {
  readonly retryAfterMs: number;

  constructor(retryAfterMs: number) {
    super(`many nodes join now; the place of this one is in ${retryAfterMs} ms`);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Of ws: the port that answers a redirect takes the agent, or the agent asks at the first one again. */
const follow = { followRedirects: true, maxRedirects: 1 };

export class HubTransport extends NodeWebSocket {
  override createSocket(
    uri: string,
    protocols: string | string[] | undefined,
    opts: Record<string, unknown>,
  ): unknown {
    const socket = super.createSocket(uri, protocols, { ...opts, ...follow }) as AnsweredSocket;
    socket.on('redirect', (url, request) => {
      const [from, to] = [new URL(uri), new URL(url)];
      // A port is all that a hub may hand out: the agent's secret is for that host, over that protocol.
      if (to.hostname === from.hostname && to.protocol === from.protocol)
        (this.opts as MoveOptions).onMoved?.(Number(to.port));
      else request.destroy(new Error(`the hub hands out ${to.origin}, which is not at ${from.hostname}`));
    });
    socket.on('unexpected-response', (request, { headers, statusCode = 0 }) => {
      const waitMs = Number(headers[retryAfterHeader]);
      const isPlace = Number.isSafeInteger(waitMs) && waitMs > 0;
      request.destroy(
        isPlace ? new ToldLater(waitMs) : new Error(`Unexpected server response: ${statusCode}`),
      );
    });
    return socket;
  }
}

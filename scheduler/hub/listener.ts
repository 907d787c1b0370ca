// The server that a hub listens with, plain or with TLS. Counts handshakes, and says who came without TLS where it is
// asked for.
import {
  createServer as createPlain,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerOptions,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecure, type Server as HttpsServer } from 'node:https';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import * as limits from '../protocol/limits.ts';
import { MinuteLimit } from './minuteLimit.ts';
import type { HubOptions, TlsMaterial } from './ports.ts';
import type { HubCounters } from './wireSockets.ts';

export interface Listener {
  readonly server: HttpServer;
  /** A new certificate for connections from now on; those that stand keep theirs. */
  readonly renewTls: (material: TlsMaterial) => void;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

/** Agents come back with the ticket of their last connection, also after a night. TLS 1.3 allows a week. */
const ticketLifeS = 7 * 86_400;
/** A storm of joins stalls us for seconds; who sends no handshake at all is let go then. */
const handshakeWithinMs = 30_000;
/** What a client without TLS looks like to a server with it. */
const plainTextCodes: ReadonlySet<string> = new Set(['ERR_SSL_HTTP_REQUEST', 'ERR_SSL_WRONG_VERSION_NUMBER']);

/** Of a certificate and its ticket keys: what every server of the plant is given, at its start and at a renewal. */
export const contextOf = ({ chain, key, ticketKeys }: TlsMaterial) =>
  ({
    cert: chain,
    key,
    ticketKeys: Buffer.from(ticketKeys, 'base64'),
    sessionTimeout: ticketLifeS,
    // The same in every process: its default is made of the command line, and no edge would take another's tickets.
    sessionIdContext: 'millrace',
    minVersion: 'TLSv1.2',
  }) satisfies SecureContextOptions;

export function createListener(
  settings: ServerOptions,
  options: Pick<HubOptions, 'tls' | 'handlers' | 'clock'>,
  counters: HubCounters,
  answer: Answer,
): Listener {
  const { tls } = options;
  if (tls === undefined) return { server: createPlain(settings, answer), renewTls: () => undefined };
  const secure = createSecure(
    { ...settings, ...contextOf(tls), handshakeTimeout: handshakeWithinMs, ALPNProtocols: ['http/1.1'] },
    answer,
  );
  watchHandshakes(secure, options, counters);
  return {
    server: secure,
    renewTls: (material) => {
      secure.setSecureContext(contextOf(material));
    },
  };
}

function watchHandshakes(
  server: HttpsServer,
  { handlers, clock }: Pick<HubOptions, 'handlers' | 'clock'>,
  counters: HubCounters,
): void {
  const told = new MinuteLimit(1, limits.failedAuthAddressesMax, clock);
  server.on('secureConnection', (socket) => {
    counters.tlsHandshakes += 1;
    if (socket.isSessionReused()) counters.tlsResumed += 1;
  });
  server.on('tlsClientError', (error: NodeJS.ErrnoException, socket: TLSSocket) => {
    if (!plainTextCodes.has(error.code ?? '')) {
      counters.tlsFailures += 1;
      return;
    }
    counters.plainTextRefused += 1;
    const source = socket.remoteAddress ?? 'unknown';
    const isTold = told.waitMs(source) > 0;
    if (isTold) return;
    told.add(source);
    handlers.audit({
      action: 'plain_text_refused',
      actor: 'nobody',
      source,
      outcome: 'refused',
      targets: [],
      details: { message: 'this port takes TLS only: use https' },
    });
  });
}

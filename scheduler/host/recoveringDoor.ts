// Stands where the hub will be while the host recovers: says so to whoever calls, with how far it is. It also finds out
// at once, and not after minutes of recovery, that the address is taken.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { contextOf } from '../hub/listener.ts';
import { listenOn } from '../hub/listenOn.ts';
import { notReadyWhile } from '../observe/readiness.ts';
import type { RecoveryProgress } from '../protocol/hostLink.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { servePages } from './pages.ts';
import type { PlantTls } from './tls/plantTls.ts';

export interface RecoveringDoor {
  /** The port that was asked for, or the free one that was found. */
  readonly port: number;
  readonly progressed: (progress: RecoveryProgress) => void;
  /** Resolves when the address is free for the hub. */
  readonly close: () => Promise<void>;
}

interface Place {
  readonly listen: string;
  readonly port: number;
  /** Folder of the console's pages: a browser loads them and then asks for the health. */
  readonly pages: string;
  /** As the hub will: agents and browsers come with the address they have. Absent: plain text. */
  readonly tls?: Pick<PlantTls, 'material' | 'authority'> | undefined;
}

/** Programs and agents that are told to come back do so after this. */
const retryAfterS = 1;

/** Refuses `cannot_listen`. */
export async function openRecoveringDoor(place: Place): Promise<Outcome<RecoveringDoor, Refusal>> {
  let progress: RecoveryProgress = { stage: 'checking', done: 0, total: 0 };
  const answerPage = servePages(place.pages, {
    health: () => ({ state: 'recovering', ...progress }),
    readiness: () => notReadyWhile(progress),
    metrics: () => '',
    authority: place.tls?.authority,
    mayRead: () => false, // told to come back before it is asked
  });
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    if (isForPages(request)) answerPage(request, response);
    else answerRecovering(response, progress);
  };
  const server =
    place.tls === undefined
      ? createServer(answer)
      : createSecureServer(contextOf(place.tls.material), answer);
  const failure = await listenOn(server, { host: place.listen, port: place.port });
  if (failure !== undefined) return refused(refusal('cannot_listen', failure));
  const bound = server.address();
  return accepted({
    port: typeof bound === 'object' && bound ? bound.port : place.port,
    progressed: (next) => {
      progress = next;
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  });
}

/** Pages and the health; not the door for programs and not Socket.IO, which must be told to come back. */
const isForPages = ({ url = '/' }: IncomingMessage): boolean =>
  !url.startsWith('/api/') && !url.startsWith('/socket.io/') && !url.startsWith('/metrics');

function answerRecovering(response: ServerResponse, { stage, done, total }: RecoveryProgress): void {
  const share = total > 0 ? ` (${stage}, ${String(Math.floor((done / total) * 100))} %)` : ` (${stage})`;
  const detail = `the host is recovering${share}; nothing is lost; call again after ${String(retryAfterS)} s`;
  response.writeHead(503, {
    'content-type': 'application/problem+json',
    'retry-after': String(retryAfterS),
    'cache-control': 'no-store',
  });
  response.end(
    JSON.stringify({
      type: 'about:blank',
      title: 'The host is starting',
      status: 503,
      detail,
      code: 'recovering',
      retryAfterMs: retryAfterS * 1_000,
      stage,
      done,
      total,
    }),
  );
}

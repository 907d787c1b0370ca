// The transport edge: listens, lets agents and consoles in, and carries decoded messages between them and the host.
import {
  createServer,
  type IncomingMessage,
  type Server as HttpServer,
  type ServerResponse,
} from 'node:http';
import { Server } from 'socket.io';
import { agentNamespace, type Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import { consoleNamespace } from '../protocol/consoleWire.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { plantTiming } from '../protocol/timing.ts';
import { AgentDoor } from './agentDoor.ts';
import { ConsoleDoor } from './consoleDoor.ts';
import { readFileLimit } from './fileLimit.ts';
import { JoinAuth } from './joinAuth.ts';
import { listenOn } from './listenOn.ts';
import { LoopDelay } from './loopDelay.ts';
import type { Hub, HubOptions, HubStats } from './ports.ts';
import { closeSoon } from './refuseSocket.ts';
import {
  type AgentNamespace,
  type ConsoleNamespace,
  type HubCounters,
  newCounters,
  type WireServer,
} from './wireSockets.ts';
import { Unjoined } from './unjoined.ts';

/** Sockets beyond the limit that are let in only to be told `fleet_full`; past them the system turns them away. */
const refusalSockets = limits.fileReserve / 5;
/** Connections the system keeps for us while a storm of joins is worked off. */
const listenBacklog = 4_096;
/** Sockets closed per turn: at 20 us each, a few milliseconds. */
const closedPerTurn = 500;

/** Who sends head or body of a request byte by byte is let go. Long, since a storm of joins stalls us for seconds. */
const serverSettings = {
  maxHeaderSize: 16_384,
  headersTimeout: 30_000,
  requestTimeout: 60_000,
  connectionsCheckingInterval: 5_000,
  keepAliveTimeout: 10_000,
};

/** Refuses `cannot_listen` where the address is taken or is not ours, or too few files may be open. */
export async function openHub(options: HubOptions): Promise<Outcome<Hub, Refusal>> {
  const fileLimit = options.fileLimit ?? readFileLimit();
  const socketsMax = fileLimit - limits.fileReserve;
  if (socketsMax < 1) {
    const reason = `only ${fileLimit} files may be open; raise the limit (ulimit -n) above ${limits.fileReserve}`;
    return refused(refusal('cannot_listen', reason));
  }
  const http = createServer(serverSettings, options.http ?? answerNotFound);
  http.maxConnections = socketsMax + refusalSockets;
  const hub = new SocketHub(http, options, socketsMax);
  const { listen: host, port } = options;
  const failure = await listenOn(http, { host, port, backlog: listenBacklog });
  if (failure === undefined) return accepted(hub);
  await hub.close();
  return refused(refusal('cannot_listen', failure));
}

class SocketHub implements Hub {
  readonly #http: HttpServer;
  readonly #io: WireServer;
  readonly #counters = newCounters();
  readonly #agents: AgentDoor;
  readonly #consoles: ConsoleDoor;
  readonly #unjoined: Unjoined;
  readonly #loopDelay = new LoopDelay();
  readonly #socketsMax: number;

  constructor(http: HttpServer, options: HubOptions, socketsMax: number) {
    this.#http = http;
    this.#socketsMax = socketsMax;
    this.#io = new Server(http, socketSettings(this.#counters));
    const { handlers, log, timing = plantTiming, joinsPerSecond = limits.joinsPerSecondMax } = options;
    const auth = new JoinAuth(options, (nodeId) => this.#agents.has(nodeId));
    this.#unjoined = new Unjoined(options.clock);
    const unjoined = this.#unjoined;
    const shared = { handlers, log, auth, timing, joinsPerSecond, unjoined, counters: this.#counters };
    const isFull = () => this.#io.engine.clientsCount > socketsMax;
    this.#agents = new AgentDoor({ ...shared, isFull, socketsMax });
    this.#consoles = new ConsoleDoor(shared);
    // Socket.IO opens `/` to everybody by itself.
    this.#io.use((socket, next) => {
      next(new Error(`connect to ${agentNamespace} or ${consoleNamespace}`));
      closeSoon(socket);
    });
    const agents: AgentNamespace = this.#io.of(agentNamespace);
    this.#agents.open(agents);
    if (options.isEdge !== true) {
      const consoles: ConsoleNamespace = this.#io.of(consoleNamespace);
      this.#consoles.open(consoles);
    }
    http.on('drop', () => {
      this.#counters.refusedConnections += 1;
    });
  }

  get address(): string {
    const bound = this.#http.address();
    if (bound === null || typeof bound === 'string') return '';
    const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
    return `http://${host}:${bound.port}`;
  }

  dispatch(nodeId: NodeId, dispatch: Dispatch): boolean {
    return this.#agents.dispatch(nodeId, dispatch);
  }

  stop(nodeId: NodeId, tokens: readonly Token[]): void {
    this.#agents.stop(nodeId, tokens);
  }

  isConnected(nodeId: NodeId): boolean {
    return this.#agents.isJoined(nodeId);
  }

  flush(): void {
    this.#agents.flush();
  }

  closeNode(nodeId: NodeId, reason: string): void {
    this.#agents.closeNode(nodeId, reason);
  }

  stats(): HubStats {
    const isFull = this.#io.engine.clientsCount >= this.#socketsMax;
    const { count: agents } = this.#agents;
    const neverJoined = this.#unjoined.closed;
    const { p99Ms: loopP99Ms, maxMs: loopMaxMs } = this.#loopDelay.worst;
    const { count: consoles } = this.#consoles;
    return { agents, consoles, isFull, neverJoined, loopP99Ms, loopMaxMs, ...this.#counters };
  }

  async close(): Promise<void> {
    this.#agents.abandon();
    this.#unjoined.stop();
    this.#loopDelay.close();
    const stopped = new Promise<void>((resolve) => {
      this.#http.close(() => {
        resolve();
      });
    });
    for (const namespace of [agentNamespace, consoleNamespace]) await this.#closeAll(namespace);
    // First: a request whose body never ends would keep the server open until its time limit.
    this.#http.closeAllConnections();
    await this.#io.close();
    await stopped;
  }

  async #closeAll(namespace: string): Promise<void> {
    let closed = 0;
    for (const socket of [...this.#io.of(namespace).sockets.values()]) {
      socket.disconnect(true);
      closed += 1;
      if (closed % closedPerTurn === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

/** As measured in docs/PLATFORM: no polling, no compression (262 kB per agent), no state recovery (joins do that). */
function socketSettings(counters: HubCounters) {
  return {
    transports: ['websocket' as const],
    allowUpgrades: false,
    serveClient: false,
    httpCompression: false,
    perMessageDeflate: false,
    maxHttpBufferSize: limits.frameBytesMax,
    pingInterval: 25_000,
    pingTimeout: 20_000,
    connectTimeout: 30_000,
    allowRequest: (
      request: IncomingMessage,
      decide: (why: string | null | undefined, isAllowed: boolean) => void,
    ) => {
      const isAllowed = isOwnOrigin(request);
      if (!isAllowed) counters.refusedConnections += 1;
      decide(isAllowed ? null : 'this host takes no connections from web pages of others', isAllowed);
    },
  };
}

/** Programs send no Origin. A browser always does, and only pages that this host served may connect. */
function isOwnOrigin({ headers }: IncomingMessage): boolean {
  if (headers.origin === undefined) return true;
  return headers.host !== undefined && /^https?:\/\/(.+)$/.exec(headers.origin)?.[1] === headers.host;
}

function answerNotFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here\n');
}

// The transport edge: listens, lets agents and consoles in, and carries decoded messages between them and the host.
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server } from 'socket.io';
import { agentNamespace, type Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import { consoleNamespace } from '../protocol/consoleWire.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { plantTiming } from '../protocol/timing.ts';
import { AgentDoor } from './agentDoor.ts';
import { ConnectionGuard, type EngineSocket } from './connectionGuard.ts';
import { ConsoleDoor } from './consoleDoor.ts';
import { readFileLimit } from './fileLimit.ts';
import { JoinAuth } from './joinAuth.ts';
import { JoinPacing } from './joinPacing.ts';
import { createListener, type Listener } from './listener.ts';
import { listenOn } from './listenOn.ts';
import { LoopDelay } from './loopDelay.ts';
import type { HubOptions, HubStats, ProcessHub, TlsMaterial } from './ports.ts';
import { RefusedAddresses } from './refusedAddresses.ts';
import { closeSoon } from './refuseSocket.ts';
import { socketSettings } from './socketSettings.ts';
import {
  type AgentNamespace,
  type ConsoleNamespace,
  type HubCounters,
  newCounters,
  type WireServer,
} from './wireSockets.ts';
import { Unjoined } from './unjoined.ts';
import { rememberAnswers } from './forgetHandshake.ts';
import { answerAtUpgrade } from './upgradeAnswer.ts';

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
  // Asked by the doors themselves, whose refusal says what is missing.
  requireHostHeader: false,
};

/** Refuses `cannot_listen` where the address is taken or is not ours, or too few files may be open. */
export async function openHub(options: HubOptions): Promise<Outcome<ProcessHub, Refusal>> {
  const fileLimit = options.fileLimit ?? readFileLimit();
  const socketsMax = fileLimit - limits.fileReserve;
  if (socketsMax < 1) {
    const reason = `only ${fileLimit} files may be open; raise the limit (ulimit -n) above ${limits.fileReserve}`;
    return refused(refusal('cannot_listen', reason));
  }
  const counters = newCounters();
  const listener = createListener(serverSettings, options, counters, options.http ?? answerNotFound);
  const { server: http } = listener;
  if (options.onUnreadable) http.on('clientError', options.onUnreadable);
  // Whatever else than 100-continue is expected, the doors refuse it as they refuse the rest.
  http.on('checkExpectation', options.http ?? answerNotFound);
  http.maxConnections = socketsMax + refusalSockets;
  const hub = new SocketHub(listener, options, { counters, socketsMax });
  const { listen: host, port } = options;
  const failure = await listenOn(http, { host, port, backlog: listenBacklog });
  if (failure === undefined) return accepted(hub);
  await hub.close();
  return refused(refusal('cannot_listen', failure));
}

interface SocketHubParts {
  readonly counters: HubCounters;
  readonly socketsMax: number;
}

class SocketHub implements ProcessHub {
  readonly #http: HttpServer;
  readonly #scheme: 'http' | 'https';
  readonly #io: WireServer;
  readonly #counters: HubCounters;
  readonly #agents: AgentDoor;
  readonly #consoles: ConsoleDoor;
  readonly #unjoined: Unjoined;
  readonly #refusals: RefusedAddresses;
  readonly #guard: ConnectionGuard;
  readonly #loopDelay = new LoopDelay();
  readonly #pacing: JoinPacing;
  readonly #socketsMax: number;
  readonly renewTls: (material: TlsMaterial) => void;

  constructor(listener: Listener, options: HubOptions, { counters, socketsMax }: SocketHubParts) {
    const { server: http } = listener;
    this.#http = http;
    this.#scheme = options.tls === undefined ? 'http' : 'https';
    this.#counters = counters;
    this.#socketsMax = socketsMax;
    this.renewTls = listener.renewTls;
    const { handlers, log, clock, timing = plantTiming, joinShare = 1, returning = 0 } = options;
    const { connectionsPerAddress = limits.connectionsPerAddressDefault } = options;
    const refusals = (this.#refusals = options.refusals ?? new RefusedAddresses(clock, handlers.audit));
    const guard = (this.#guard = new ConnectionGuard({ clock, refusals, connectionsPerAddress }));
    guard.watchServer(http);
    this.#io = new Server(http, socketSettings(counters, guard, options.isEdge === true));
    this.#io.engine.on('connection', (engine: EngineSocket) => {
      guard.watch(engine);
    });
    this.#pacing = new JoinPacing({ share: joinShare, returning, clock });
    const { admission } = this.#pacing;
    const auth = new JoinAuth({ ...options, admission });
    this.#unjoined = new Unjoined(clock);
    const unjoined = this.#unjoined;
    const shared = { handlers, log, clock, auth, timing, unjoined, refusals, guard, counters };
    const isFull = () => this.#io.engine.clientsCount > socketsMax;
    const slotsPerSecond = (): number => this.#pacing.slotsPerSecond;
    const joinEnded = (nodeId: NodeId): void => {
      admission.ended(nodeId);
    };
    const forget = rememberAnswers(this.#io);
    this.#agents = new AgentDoor({ ...shared, isFull, socketsMax, slotsPerSecond, joinEnded, forget });
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
    answerAtUpgrade(http, {
      portOf: () => this.#portElsewhere(options.direct),
      waitMs: (nodeId) => this.#placeOf(nodeId),
    });
    http.on('drop', () => {
      this.#counters.refusedConnections += 1;
    });
  }

  get address(): string {
    const bound = this.#http.address();
    if (bound === null || typeof bound === 'string') return '';
    const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
    return `${this.#scheme}://${host}:${bound.port}`;
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

  get lateMs(): number {
    return this.#pacing.lateMs;
  }

  heardOfHost(lateMs: number): void {
    this.#pacing.heardOfHost(lateMs);
  }

  stats(): HubStats {
    const sockets = this.#io.engine.clientsCount;
    const socketsMax = this.#socketsMax;
    const isFull = sockets >= socketsMax;
    const { count: agents } = this.#agents;
    const neverJoined = this.#unjoined.closed;
    const { p99Ms: loopP99Ms, maxMs: loopMaxMs } = this.#loopDelay.worst;
    const { count: consoles } = this.#consoles;
    const {
      perSecond: joinsPerSecond,
      waiting: joinsWaiting,
      inFlight: joinsInFlight,
    } = this.#pacing.admission;
    const joins = { joinsPerSecond, joinsWaiting, joinsInFlight };
    const delay = { loopP99Ms, loopMaxMs };
    const filled = { sockets, socketsMax, outboxMost: this.#agents.outboxMost() };
    const { limited, slowdowns } = this.#refusals;
    const { halfOpen } = this.#guard;
    const hostile = { limited, slowdowns, halfOpen, refusedOften: this.#refusals.often() };
    return {
      ...{ agents, consoles, isFull, neverJoined, ...delay, ...joins },
      ...{ ...filled, ...hostile, ...this.#counters },
    };
  }

  async close(): Promise<void> {
    this.#agents.abandon();
    this.#unjoined.stop();
    this.#guard.stop();
    this.#loopDelay.close();
    this.#pacing.close();
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

  #placeOf(nodeId: NodeId): number {
    const waitMs = this.#pacing.admission.waitMs(nodeId);
    if (waitMs > 0) this.#counters.laterConnections += 1;
    return waitMs;
  }

  #portElsewhere(direct: HubOptions['direct']): number | undefined {
    const port = direct?.()?.port;
    if (port !== undefined) this.#counters.movedConnections += 1;
    return port;
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

function answerNotFound(_request: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain' }).end('nothing here\n');
}

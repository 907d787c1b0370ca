// The namespace of agents: lets them in, keeps one session per node, and sends what a turn has gathered.
import { agentNamespace, type Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import type { JoinAuth } from './joinAuth.ts';
import { refuseSocket } from './refuseSocket.ts';
import { Session, type SessionContext } from './session.ts';
import type { AgentNamespace, AgentSocket } from './wireSockets.ts';

export interface AgentDoorContext extends Omit<SessionContext, 'slotMs'> {
  readonly auth: JoinAuth;
  readonly isFull: () => boolean;
  readonly socketsMax: number;
  readonly joinsPerSecond: number;
}

/** The errors of `ws` that are the sender's fault. */
const unreadableFrame = /Max payload size exceeded|Invalid WebSocket frame/;

export class AgentDoor {
  readonly #context: AgentDoorContext & SessionContext;
  #joins = 0;
  readonly #sessions = new Map<NodeId, Session>();
  #touched: Session[] = [];

  constructor(context: AgentDoorContext) {
    this.#context = { ...context, slotMs: () => this.#slotMs() };
  }

  get count(): number {
    return this.#sessions.size;
  }

  open(namespace: AgentNamespace): void {
    namespace.use((socket, next) => {
      void this.#admit(socket, next);
    });
    namespace.on('connection', (socket) => {
      this.#connect(socket);
    });
  }

  has(nodeId: NodeId): boolean {
    return this.#sessions.has(nodeId);
  }

  isJoined(nodeId: NodeId): boolean {
    return this.#sessions.get(nodeId)?.isJoined ?? false;
  }

  dispatch(nodeId: NodeId, dispatch: Dispatch): boolean {
    const session = this.#sessions.get(nodeId);
    if (session?.dispatch(dispatch) !== true) return false;
    this.#touch(session);
    return true;
  }

  stop(nodeId: NodeId, tokens: readonly Token[]): void {
    const session = this.#sessions.get(nodeId);
    if (session === undefined) return;
    session.stop(tokens);
    this.#touch(session);
  }

  flush(): void {
    const touched = this.#touched;
    this.#touched = [];
    for (const session of touched) session.flush();
  }

  closeNode(nodeId: NodeId, reason: string): void {
    const session = this.#sessions.get(nodeId);
    this.#sessions.delete(nodeId);
    session?.close(reason);
  }

  abandon(): void {
    for (const session of this.#sessions.values()) session.abandon();
    this.#sessions.clear();
  }

  /** Each join takes the next of as many places as there are agents, so that all come back at the rate of joins. */
  #slotMs(): number {
    const place = this.#joins % Math.max(1, this.#sessions.size);
    this.#joins += 1;
    return Math.round((place * 1_000) / this.#context.joinsPerSecond);
  }

  /** The end of the turn comes before any I/O of the loop: what was gathered leaves without a wait. */
  #touch(session: Session): void {
    if (this.#touched.length === 0) {
      process.nextTick(() => {
        this.flush();
      });
    }
    this.#touched.push(session);
  }

  async #admit(socket: AgentSocket, next: (error?: Error) => void): Promise<void> {
    const { auth, isFull, socketsMax } = this.#context;
    const { address } = socket.handshake;
    if (isFull()) {
      this.#refuse(socket, next, fleetFull(socketsMax));
      return;
    }
    const admitted = await auth.admitAgent(socket.handshake.auth, address);
    if (!admitted.ok) {
      this.#refuse(socket, next, admitted.reason);
      return;
    }
    socket.data.admitted = admitted.value;
    next();
  }

  #refuse(socket: AgentSocket, next: (error: Error) => void, reason: Refusal): void {
    const { counters } = this.#context;
    if (reason.code === 'moved') counters.movedConnections += 1;
    else if (reason.code === 'later') counters.laterConnections += 1;
    else counters.refusedConnections += 1;
    const { address } = socket.handshake;
    // A whole plant may be told to go elsewhere; and over the rate limit of failures the log is left alone.
    const level = ['too_many', 'moved', 'later'].includes(reason.code) ? 'debug' : 'warn';
    this.#context.log(level, 'agent refused', { address, code: reason.code, reason: reason.message });
    refuseSocket(socket, next, reason);
  }

  /** The newest connection of a node wins: the older one is often a half-open socket nobody else would notice. */
  #connect(socket: AgentSocket): void {
    const { admitted } = socket.data;
    if (admitted === undefined)
      throw new Error(`a socket came into ${agentNamespace} without being admitted`);
    this.closeNode(admitted.nodeId, 'a newer connection of the same node took its place');
    const session = new Session(socket, admitted, this.#context);
    this.#sessions.set(admitted.nodeId, session);
    this.#context.unjoined.add(session);
    socket.data.reader = session;
    socket.onAny(receive);
    socket.on('error', (error: unknown) => {
      // A frame that is no Socket.IO, after which the socket closes. An agent can also send a message named `error`.
      if (error instanceof Error) this.#broken(session, error.message);
    });
    socket.once('disconnect', (reason, description) => {
      this.#gone(session, reason, description);
    });
  }

  #gone(session: Session, reason: string, description: unknown): void {
    this.#context.unjoined.remove(session);
    if (this.#sessions.get(session.nodeId) === session) this.#sessions.delete(session.nodeId);
    if (!session.end()) return;
    // What the WebSocket found wrong, or the system: `RangeError: Max payload size exceeded`, `Error: read ECONNRESET`.
    const detail = description instanceof Error ? description.message : '';
    if (unreadableFrame.test(detail)) this.#broken(session, detail);
    this.#context.log('debug', 'agent disconnected', { nodeId: session.nodeId, reason, detail });
  }

  #broken(session: Session, reason: string): void {
    this.#context.counters.badMessages += 1;
    const { nodeId } = session;
    this.#context.log('warn', 'agent sent a frame that cannot be read; its connection ends', {
      nodeId,
      reason,
    });
  }
}

/** One function for all sockets; Socket.IO calls it with the socket as `this`. */
function receive(this: AgentSocket, event: unknown, ...args: unknown[]): void {
  this.data.reader?.receive(String(event), args);
}

const fleetFull = (socketsMax: number): Refusal =>
  refusal(
    'fleet_full',
    `this host holds ${socketsMax} connections, its limit of open files; raise the limit or remove nodes`,
    { retryAfterMs: 60_000 },
  );

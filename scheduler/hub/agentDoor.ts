// The namespace of agents: lets them in, keeps one session per node, and sends what a turn has gathered.
import { agentNamespace, type Dispatch } from '../protocol/agentWire.ts';
import type { Ms, NodeId, Token } from '../protocol/brands.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import type { ConnectionGuard } from './connectionGuard.ts';
import type { JoinAuth } from './joinAuth.ts';
import { NodeProofs } from './nodeProofs.ts';
import type { RefusedAddresses } from './refusedAddresses.ts';
import { refuseSocket } from './refuseSocket.ts';
import { Session } from './session.ts';
import type { NodeSession, SessionContext } from './sessionContext.ts';
import { Unproven } from './unproven.ts';
import type { AgentNamespace, AgentSocket } from './wireSockets.ts';

type OwnContext = 'slotMs' | 'proofs' | 'claim' | 'onBadMessage';

export interface AgentDoorContext extends Omit<SessionContext, OwnContext> {
  readonly auth: JoinAuth;
  readonly guard: ConnectionGuard;
  readonly refusals: RefusedAddresses;
  readonly isFull: () => boolean;
  readonly socketsMax: number;
  /** By which places of a return are given. */
  readonly slotsPerSecond: () => number;
  readonly clock: () => Ms;
  /** What its handshake left behind. */
  readonly forget: (socket: AgentSocket) => void;
}

/** Nobody is asked to stay away for longer, however many there are: places are then given twice. */
const slotsWithinMs = 55_000;

/** The errors of `ws` that are the sender's fault. */
const unreadableFrame = /Max payload size exceeded|Invalid WebSocket frame/;

export class AgentDoor {
  readonly #context: AgentDoorContext & SessionContext;
  #joins = 0;
  readonly #sessions = new Map<NodeId, NodeSession>();
  readonly #unproven = new Unproven<NodeSession>();
  #touched: NodeSession[] = [];

  constructor(context: AgentDoorContext) {
    this.#context = {
      ...context,
      slotMs: () => this.#slotMs(),
      proofs: new NodeProofs(context, context.auth.agentRefused),
      claim: (session) => {
        this.#claim(session);
      },
      onBadMessage: (socket, nodeId, reason) => {
        this.#countBad(socket, nodeId, reason);
      },
    };
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

  /** Unconfirmed dispatches of the node that has most. Looks at each node. */
  outboxMost(): number {
    let most = 0;
    for (const { unconfirmed } of this.#sessions.values()) if (unconfirmed > most) most = unconfirmed;
    return most;
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
    this.#unproven.clear();
  }

  /** Each join takes the next of as many places as there are agents, so that all come back at the pace of joins. */
  #slotMs(): number {
    const place = this.#joins % Math.max(1, this.#sessions.size);
    this.#joins += 1;
    return Math.round((place * 1_000) / this.#context.slotsPerSecond()) % slotsWithinMs;
  }

  /** The end of the turn comes before any I/O of the loop: what was gathered leaves without a wait. */
  #touch(session: NodeSession): void {
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
    socket.data.auth = admitted.value;
    this.#context.guard.admitted(socket.request);
    next();
  }

  #refuse(socket: AgentSocket, next: (error: Error) => void, reason: Refusal): void {
    const { counters } = this.#context;
    if (reason.code === 'moved') counters.movedConnections += 1;
    else if (reason.code === 'later') counters.laterConnections += 1;
    else {
      counters.refusedConnections += 1;
      this.#context.refusals.add(socket.handshake.address);
    }
    const { address } = socket.handshake;
    // A whole plant may be told to go elsewhere; and over the rate limit of failures the log is left alone.
    const level = ['too_many', 'moved', 'later'].includes(reason.code) ? 'debug' : 'warn';
    this.#context.log(level, 'agent refused', { address, code: reason.code, reason: reason.message });
    refuseSocket(socket, next, reason);
  }

  /** Changes nothing for the node's session, if it has one: anybody may say to be that node. */
  #connect(socket: AgentSocket): void {
    const { auth } = socket.data;
    if (auth === undefined) throw new Error(`a socket came into ${agentNamespace} without being admitted`);
    const session = new Session(socket, auth, this.#context);
    this.#context.forget(socket);
    this.#unproven.add(session);
    this.#context.unjoined.add(session);
    socket.data.reader = session;
    socket.onAny(receive);
    socket.on('error', (error: unknown) => {
      // A frame that is no Socket.IO, after which the socket closes. An agent can also send a message named `error`.
      if (error instanceof Error) this.#broken(socket, session, error.message);
    });
    socket.once('disconnect', (reason, description) => {
      const detail = this.#gone(session, reason, description);
      if (unreadableFrame.test(detail)) this.#broken(socket, session, detail);
    });
  }

  /** It has proved to be the node. The newest such wins: the older one is often half-open, and nobody would notice. */
  #claim(session: NodeSession): void {
    this.#unproven.remove(session);
    this.closeNode(session.nodeId, 'a newer connection of the same node took its place');
    this.#sessions.set(session.nodeId, session);
  }

  /** What was wrong with it, where it ended by itself. */
  #gone(session: Session, reason: string, description: unknown): string {
    this.#context.unjoined.remove(session);
    this.#unproven.remove(session);
    if (!session.hasJoined) this.#context.joinEnded(session.nodeId);
    if (this.#sessions.get(session.nodeId) === session) this.#sessions.delete(session.nodeId);
    if (!session.end()) return '';
    // What the WebSocket found wrong, or the system: `RangeError: Max payload size exceeded`, `Error: read ECONNRESET`.
    const detail = description instanceof Error ? description.message : '';
    this.#context.log('debug', 'agent disconnected', { nodeId: session.nodeId, reason, detail });
    return detail;
  }

  #countBad({ handshake: { address } }: AgentSocket, nodeId: NodeId, { code, message }: Refusal): void {
    const { counters, refusals } = this.#context;
    counters.badMessages += 1;
    refusals.tell({ action: 'agent_refused', actor: `agent:${nodeId}`, address, code, message });
  }

  #broken(socket: AgentSocket, { nodeId }: Session, reason: string): void {
    this.#countBad(socket, nodeId, refusal('bad_message', reason));
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

// One agent's connection: join first, then heartbeats, starts, results and output; each message decoded once.
import {
  type AgentAuth,
  type Dispatch,
  heartbeatSchema,
  type HubToAgent,
  type Join,
  joinSchema,
  resultsSchema,
  startedSchema,
  type Welcome,
} from '../protocol/agentWire.ts';
import { ms, type NodeId, type Token } from '../protocol/brands.ts';
import { decode } from '../protocol/decode.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Claim } from './nodeProofs.ts';
import { Outbox } from './outbox.ts';
import type { Joined } from './ports.ts';
import * as asks from './sessionAsks.ts';
import type { SessionContext } from './sessionContext.ts';
import type { AgentSocket } from './wireSockets.ts';

type SessionState = 'connected' | 'proving' | 'joining' | 'joined' | 'closed';

const taken: Outcome<void, Refusal> = accepted(undefined);

export class Session {
  readonly nodeId: NodeId;
  readonly #identity: Claim;
  readonly #asking: asks.Asking;
  readonly #socket: AgentSocket;
  readonly #context: SessionContext;
  readonly #outbox = new Outbox();
  #state: SessionState = 'connected';
  #badMessages = 0;

  constructor(socket: AgentSocket, auth: AgentAuth, context: SessionContext) {
    this.nodeId = auth.nodeId;
    this.#identity = { auth, address: socket.handshake.address, socketId: socket.id };
    this.#asking = {
      identity: this.#identity,
      context,
      send: (event, ...message) => {
        this.#send(event, ...message);
      },
      close: (reason) => {
        this.close(reason);
      },
    };
    this.#socket = socket;
    this.#context = context;
  }

  /** True from the moment the join was given to the host: what is dispatched from there on waits for the welcome. */
  get isJoined(): boolean {
    return this.#state === 'joining' || this.#state === 'joined';
  }
  get hasJoined(): boolean {
    return this.#state === 'joined';
  }
  get unconfirmed(): number {
    return this.#outbox.unconfirmed;
  }

  receive(event: string, args: readonly unknown[]): void {
    if (this.#state === 'closed') return;
    this.#context.counters.messagesIn += 1;
    const outcome =
      args.length === 1
        ? this.#read(event, args[0])
        : refused(refusal('bad_message', `${event}: takes one argument and no callback, not ${args.length}`));
    if (!outcome.ok) this.#refuse(event, outcome.reason);
  }

  /** False where the outbox is full or there is nobody to send to. */
  dispatch(dispatch: Dispatch): boolean {
    return this.isJoined && this.#outbox.addDispatch(dispatch);
  }

  stop(tokens: readonly Token[]): void {
    if (this.isJoined) this.#outbox.addStops(tokens);
  }

  /** Before the welcome nothing is sent: the agent must know the epoch first. */
  flush(): void {
    if (this.#state !== 'joined' || this.#outbox.isEmpty) return;
    for (const frame of this.#outbox.takeDispatches()) this.#send('run', frame);
    const stops = this.#outbox.takeStops();
    if (stops.length > 0) this.#send('stop', stops);
  }

  /** Ends the connection and tells the host. Safe to call twice. */
  close(reason: string): void {
    if (!this.end()) return;
    this.#context.log('info', 'agent connection closed', { nodeId: this.nodeId, reason });
    this.#socket.disconnect(true);
  }

  /** The socket is gone, or is to be. True the first time. */
  end(): boolean {
    if (this.#state === 'closed') return false;
    const wasJoined = this.isJoined;
    this.#state = 'closed';
    if (wasJoined) this.#context.handlers.disconnected(this.nodeId);
    return true;
  }

  /** The whole hub stops: says nothing to the host. */
  abandon(): void {
    this.#state = 'closed';
  }

  #read(event: string, payload: unknown): Outcome<void, Refusal> {
    if (event === 'join') return this.#readJoin(payload);
    if (!this.isJoined) {
      return refused(refusal('wrong_state', `${event}: send join first; nothing else is taken before it`));
    }
    switch (event) {
      case 'hb':
        return this.#readHeartbeat(payload);
      case 'started':
        return this.#readStarted(payload);
      case 'results':
        return this.#readResults(payload);
      case 'log':
        return asks.readLog(this.#asking, payload);
      case 'check':
        return asks.readCheck(this.#asking, payload);
      case 'rotate':
        return asks.readRotate(this.#asking, payload);
      default: {
        const name = event.slice(0, limits.nameLengthMax);
        return refused(refusal('bad_message', `there is no message named ${name}`));
      }
    }
  }

  #readJoin(payload: unknown): Outcome<void, Refusal> {
    const join = decode(joinSchema, payload, 'join');
    if (!join.ok) return join;
    if (this.#state !== 'connected')
      return refused(refusal('wrong_state', 'join: this connection has joined'));
    this.#state = 'proving';
    // As it came: what the schema filled in was not signed.
    void this.#join(join.value, payload as Join);
    return taken;
  }

  async #join(join: Join, sent: Join): Promise<void> {
    const { proofs, claim, handlers } = this.#context;
    const proven = await proofs.ofJoin(this.#identity, join, sent);
    if (!this.#is('proving')) return;
    if (!proven.ok) {
      this.#turnAway(proven.reason);
      return;
    }
    const publicKey = proven.value;
    const { spec, held } = join;
    claim(this);
    this.#state = 'joining';
    const joined = await handlers.join(this.nodeId, { spec, held, publicKey });
    if (!this.#is('joining')) return;
    if (joined.ok) this.#welcome(joined.value, publicKey);
    else this.#turnAway(joined.reason);
  }

  /** Asked after a wait, in which the connection may have ended. */
  #is(state: SessionState): boolean {
    return this.#state === state;
  }

  #turnAway(reason: Refusal): void {
    this.#context.counters.refusedConnections += 1;
    this.#context.joinEnded(this.nodeId);
    this.#send('refused', reason);
    this.close(`its join was refused: ${reason.message}`);
  }

  #welcome({ epoch, revoked }: Joined, publicKey: string): void {
    const { timing, slotMs, unjoined, joinEnded } = this.#context;
    const welcome: Welcome = {
      epoch,
      revoked,
      heartbeatMs: ms(timing.heartbeatMs),
      attemptLeaseMs: ms(timing.attemptLeaseMs),
      returnAfterMs: ms(slotMs()),
      publicKey,
    };
    this.#send('welcome', welcome);
    this.#state = 'joined';
    unjoined.remove(this);
    joinEnded(this.nodeId);
    this.flush();
  }

  #readHeartbeat(payload: unknown): Outcome<void, Refusal> {
    const frame = decode(heartbeatSchema, payload, 'hb');
    if (!frame.ok) return frame;
    this.#context.handlers.heartbeat(this.nodeId, frame.value);
    return taken;
  }

  #readStarted(payload: unknown): Outcome<void, Refusal> {
    const tokens = decode(startedSchema, payload, 'started');
    if (!tokens.ok) return tokens;
    for (const token of tokens.value) this.#outbox.confirm(token);
    this.#context.handlers.started(this.nodeId, tokens.value);
    return taken;
  }

  #readResults(payload: unknown): Outcome<void, Refusal> {
    const results = decode(resultsSchema, payload, 'results');
    if (!results.ok) return results;
    for (const { token } of results.value) this.#outbox.confirm(token);
    void this.#context.handlers.results(this.nodeId, results.value).then((stored) => {
      if (stored.ok) {
        const tokens = results.value.map((result) => result.token);
        this.#send('resultsAck', tokens);
        return;
      }
      // The agent sends results again only after a join, so it has to come back.
      this.#send('refused', stored.reason);
      this.close(`its results were not taken: ${stored.reason.message}`);
    });
    return taken;
  }

  #refuse(event: string, reason: Refusal): void {
    this.#badMessages += 1;
    const { nodeId } = this;
    const { code, message } = reason;
    this.#context.onBadMessage(this.#socket, nodeId, reason);
    this.#context.log('warn', 'bad message of an agent', { nodeId, code, reason: message });
    this.#send('refused', reason);
    const most = this.isJoined ? limits.badMessagesMax : limits.unprovenMessagesMax;
    if (this.#badMessages < most) return;
    this.close(`${most} bad messages, the last one ${event.slice(0, limits.nameLengthMax)}`);
  }

  #send<Event extends keyof HubToAgent>(event: Event, ...message: Parameters<HubToAgent[Event]>): void {
    if (this.#state === 'closed') return;
    this.#context.counters.messagesOut += 1;
    this.#socket.emit(event, ...message);
  }
}

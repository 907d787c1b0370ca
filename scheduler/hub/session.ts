// One agent's connection: join first, then heartbeats, starts, results and output; each message decoded once.
import {
  checkSchema,
  type Dispatch,
  heartbeatSchema,
  type HubToAgent,
  joinSchema,
  logSchema,
  resultsSchema,
  startedSchema,
  type Welcome,
} from '../protocol/agentWire.ts';
import { ms, type NodeId, type Token } from '../protocol/brands.ts';
import { decode } from '../protocol/decode.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Timing } from '../protocol/timing.ts';
import { Outbox } from './outbox.ts';
import type { HubHandlers, HubLog, Joined } from './ports.ts';
import type { Unjoined } from './unjoined.ts';
import type { Admitted, AgentSocket, HubCounters } from './wireSockets.ts';

/** What all sessions of a hub share. */
export interface SessionContext {
  readonly handlers: HubHandlers;
  readonly counters: HubCounters;
  readonly log: HubLog;
  readonly timing: Timing;
  readonly unjoined: Unjoined;
  /** A place of its own for an agent that loses its line, from the moment it does. */
  readonly slotMs: () => number;
}

const taken: Outcome<void, Refusal> = accepted(undefined);

export class Session {
  readonly nodeId: NodeId;
  readonly #nodeKey: string | undefined;
  readonly #socket: AgentSocket;
  readonly #context: SessionContext;
  readonly #outbox = new Outbox();
  #state: 'connected' | 'joining' | 'joined' | 'closed' = 'connected';
  #badMessages = 0;

  constructor(socket: AgentSocket, admitted: Admitted, context: SessionContext) {
    this.nodeId = admitted.nodeId;
    this.#nodeKey = admitted.nodeKey;
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
        return this.#readLog(payload);
      case 'check':
        return this.#readCheck(payload);
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
    this.#state = 'joining';
    void this.#context.handlers.join(this.nodeId, join.value).then((joined) => {
      this.#welcome(joined);
    });
    return taken;
  }

  #welcome(joined: Outcome<Joined, Refusal>): void {
    if (this.#state !== 'joining') return;
    if (!joined.ok) {
      this.#send('refused', joined.reason);
      this.close(`its join was refused: ${joined.reason.message}`);
      return;
    }
    const { epoch, revoked } = joined.value;
    const { timing, slotMs } = this.#context;
    const welcome: Welcome = {
      epoch,
      revoked,
      heartbeatMs: ms(timing.heartbeatMs),
      attemptLeaseMs: ms(timing.attemptLeaseMs),
      returnAfterMs: ms(slotMs()),
    };
    this.#send('welcome', this.#nodeKey === undefined ? welcome : { ...welcome, nodeKey: this.#nodeKey });
    this.#state = 'joined';
    this.#context.unjoined.remove(this);
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

  #readLog(payload: unknown): Outcome<void, Refusal> {
    const chunk = decode(logSchema, payload, 'log');
    if (!chunk.ok) return chunk;
    const { token, stream } = chunk.value;
    void this.#context.handlers.log(this.nodeId, chunk.value).then(
      (offset) => {
        this.#send('logAck', { token, stream, offset });
      },
      (error: unknown) => {
        // The store has failed and ends the host; without an acknowledgement the agent sends it again to the next one.
        this.close(`its output was not stored: ${error instanceof Error ? error.message : String(error)}`);
      },
    );
    return taken;
  }

  /** Answered in order: the agent's own order of heartbeat and check tells it how old the answer can be. */
  #readCheck(payload: unknown): Outcome<void, Refusal> {
    const read = decode(checkSchema, payload, 'check');
    if (!read.ok) return read;
    const asked = read.value;
    const mine = this.#context.handlers.check(this.nodeId, asked);
    if (mine instanceof Promise)
      void mine.then((found) => {
        this.#send('checked', { asked, mine: found });
      });
    else this.#send('checked', { asked, mine });
    return taken;
  }

  #refuse(event: string, reason: Refusal): void {
    this.#badMessages += 1;
    this.#context.counters.badMessages += 1;
    const { nodeId } = this;
    this.#context.log('warn', 'bad message of an agent', {
      nodeId,
      code: reason.code,
      reason: reason.message,
    });
    this.#send('refused', reason);
    if (this.#badMessages < limits.badMessagesMax) return;
    this.close(`${limits.badMessagesMax} bad messages, the last one ${event.slice(0, limits.nameLengthMax)}`);
  }

  #send<Event extends keyof HubToAgent>(event: Event, ...message: Parameters<HubToAgent[Event]>): void {
    if (this.#state === 'closed') return;
    this.#context.counters.messagesOut += 1;
    this.#socket.emit(event, ...message);
  }
}

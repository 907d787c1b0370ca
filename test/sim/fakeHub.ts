// The hub's sessions by the rules of the real one: join first, the newest connection of a node wins, dispatches wait for
// the welcome, results are acknowledged once the engine says that they are stored.
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { ms, type NodeId, type Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptResult, Command } from '../../scheduler/protocol/events.ts';
import type { EngineAnswer } from '../../scheduler/engine/engine.ts';
import { attemptLeaseMs, heartbeatMs } from '../../scheduler/protocol/limits.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import type { Connection, FakeNetwork, HostEnd, ToHost } from './fakeNetwork.ts';

export type Answer = Outcome<EngineAnswer, Refusal>;
export interface HubParts {
  readonly network: FakeNetwork;
  readonly execute: (command: Command, answer: (answer: Answer) => void) => void;
  readonly isEnrolled: (nodeId: NodeId) => boolean;
  readonly onResultsAcked: (tokens: readonly Token[]) => void;
  /** Told of results that came outside of any connection's order. */
  readonly onLateResults: (tokens: readonly Token[]) => void;
  /** Dispatches that one node may have unconfirmed; what is beyond waits for its next join. */
  readonly outboxMax: () => number;
  /** A mutant: acknowledges before the results are stored. */
  readonly acksEarly: boolean;
}
interface Session {
  readonly connection: Connection;
  state: 'connected' | 'joining' | 'joined' | 'closed';
  dispatches: Dispatch[];
  stops: Token[];
  readonly unconfirmed: Set<Token>;
}

export class FakeHub implements HostEnd {
  readonly #parts: HubParts;
  readonly #sessions = new Map<NodeId, Session>();
  #isOpen = true;
  overflows = 0;

  constructor(parts: HubParts) {
    this.#parts = parts;
  }

  readonly isListening = (): boolean => this.#isOpen;

  readonly connected = (connection: Connection): void => {
    const { nodeId } = connection;
    this.closeNode(nodeId);
    this.#sessions.set(nodeId, {
      connection,
      state: 'connected',
      dispatches: [],
      stops: [],
      unconfirmed: new Set(),
    });
    if (!this.#parts.isEnrolled(nodeId))
      this.#parts.execute({ kind: 'EnrolNode', nodeId, publicKey: `key of ${nodeId}` }, () => undefined);
  };

  readonly receive = (connection: Connection, message: ToHost): void => {
    const session = this.#sessions.get(connection.nodeId);
    if (session?.connection !== connection) return;
    if (message.kind === 'join') this.#join(session, message.join);
    else if (session.state === 'joining' || session.state === 'joined')
      this.#take(connection.nodeId, message);
  };

  readonly receiveLate = (nodeId: NodeId, message: ToHost): void => {
    if (message.kind === 'results') this.#parts.onLateResults(message.results.map(({ token }) => token));
    if (message.kind !== 'join') this.#take(nodeId, message);
  };

  readonly closed = (connection: Connection): void => {
    const session = this.#sessions.get(connection.nodeId);
    if (session?.connection === connection) this.#end(session);
  };

  /** False where there is nobody to send to, or the outbox is full. */
  dispatch(nodeId: NodeId, dispatch: Dispatch): boolean {
    const session = this.#joinedSession(nodeId);
    if (!session) return false;
    const { unconfirmed } = session;
    if (unconfirmed.size >= this.#parts.outboxMax() && !unconfirmed.has(dispatch.token)) {
      this.overflows += 1;
      return false;
    }
    unconfirmed.add(dispatch.token);
    session.dispatches.push(dispatch);
    return true;
  }
  stop(nodeId: NodeId, token: Token): void {
    this.#joinedSession(nodeId)?.stops.push(token);
  }
  closeNode(nodeId: NodeId): void {
    const session = this.#sessions.get(nodeId);
    if (!session) return;
    this.#end(session);
    this.#parts.network.closeFrom('host', session.connection);
  }

  /** At the end of a turn's release: one frame of each kind per node. */
  flush(): void {
    for (const session of this.#sessions.values()) this.#flush(session);
  }

  /** The process is gone: its sockets close, and nobody is told inside. */
  abandon(): void {
    this.#isOpen = false;
    for (const { connection } of this.#sessions.values()) this.#parts.network.closeFrom('host', connection);
    this.#sessions.clear();
  }

  #join(session: Session, { spec, held }: Extract<ToHost, { kind: 'join' }>['join']): void {
    if (session.state !== 'connected') return;
    session.state = 'joining';
    const { nodeId } = session.connection;
    this.#parts.execute({ kind: 'JoinNode', nodeId, spec, held }, (answer) => {
      if (session.state !== 'joining') return;
      if (!answer.ok || !answer.value.joined) {
        this.closeNode(nodeId);
        return;
      }
      const welcome = {
        ...answer.value.joined,
        heartbeatMs: ms(heartbeatMs),
        attemptLeaseMs: ms(attemptLeaseMs),
        returnAfterMs: ms(0),
        publicKey: `key of ${nodeId}`,
      };
      this.#parts.network.toAgent(session.connection, { kind: 'welcome', welcome });
      session.state = 'joined';
      this.#flush(session);
    });
  }

  #take(nodeId: NodeId, message: Exclude<ToHost, { kind: 'join' }>): void {
    const { execute } = this.#parts;
    switch (message.kind) {
      case 'hb':
        execute(
          { kind: 'Heartbeat', nodeId, cpuUsedMillicores: 100, memoryUsedMiB: 64, running: message.running },
          () => undefined,
        );
        break;
      case 'started':
        this.#confirm(nodeId, message.tokens);
        execute({ kind: 'ReportStarted', nodeId, tokens: message.tokens }, () => undefined);
        break;
      case 'results':
        this.#results(nodeId, message.results);
        break;
    }
  }

  #results(nodeId: NodeId, results: readonly AttemptResult[]): void {
    const tokens = results.map(({ token }) => token);
    this.#confirm(nodeId, tokens);
    if (this.#parts.acksEarly) this.#ack(nodeId, tokens);
    this.#parts.execute({ kind: 'ReportResults', nodeId, results }, (answer) => {
      if (!answer.ok) this.closeNode(nodeId);
      else if (!this.#parts.acksEarly) this.#ack(nodeId, tokens);
    });
  }

  #confirm(nodeId: NodeId, tokens: readonly Token[]): void {
    for (const token of tokens) this.#sessions.get(nodeId)?.unconfirmed.delete(token);
  }

  #ack(nodeId: NodeId, tokens: readonly Token[]): void {
    const session = this.#joinedSession(nodeId);
    if (!session) return;
    this.#parts.onResultsAcked(tokens);
    this.#parts.network.toAgent(session.connection, { kind: 'resultsAck', tokens });
  }

  #joinedSession(nodeId: NodeId): Session | undefined {
    const session = this.#sessions.get(nodeId);
    return session?.state === 'joining' || session?.state === 'joined' ? session : undefined;
  }

  #flush(session: Session): void {
    if (session.state !== 'joined') return;
    const { network } = this.#parts;
    const { connection, dispatches, stops } = session;
    if (dispatches.length > 0) network.toAgent(connection, { kind: 'run', dispatches });
    if (stops.length > 0) network.toAgent(connection, { kind: 'stop', tokens: stops });
    session.dispatches = [];
    session.stops = [];
  }

  #end(session: Session): void {
    const wasJoined = session.state === 'joining' || session.state === 'joined';
    session.state = 'closed';
    if (this.#sessions.get(session.connection.nodeId) === session)
      this.#sessions.delete(session.connection.nodeId);
    if (wasJoined)
      this.#parts.execute({ kind: 'DisconnectNode', nodeId: session.connection.nodeId }, () => undefined);
  }
}

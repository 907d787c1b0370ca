// The agent's connection to its hub: identity, join, heartbeats, reports in batches, and coming back after a loss.
import type { AgentAuth, LogChunk, Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { agentWireVersion, heldAttemptsMax } from '../scheduler/protocol/limits.ts';
import { joinText } from '../scheduler/protocol/nodeProof.ts';
import type { AttemptReports } from './attemptExecutor.ts';
import type { ConnectionCounts, ConnectionOptions } from './connectionOptions.ts';
import { DispatchDoor } from './dispatchDoor.ts';
import { Heartbeat, heartbeatFrame } from './heartbeat.ts';
import { listening } from './hubListener.ts';
import { isFinal } from './hubRefusal.ts';
import type { HubRefusal } from './hubMessages.ts';
import { type HubSocket, openSocket, refusalIn } from './hubSocket.ts';
import { HubLine } from './hubLine.ts';
import { KeyRotation } from './keyRotation.ts';
import { Reconnect } from './reconnect.ts';
import { ReportBatch } from './reportBatch.ts';
import type { AttemptResult } from './resultOutbox.ts';
import { type Standing, StillMine } from './stillMine.ts';
import { TlsLine } from './trust.ts';

/** A hub that takes a join and never answers is left again. */
const welcomeTimeoutMs = 30_000;

export class AgentConnection implements AttemptReports {
  readonly #options: ConnectionOptions;
  readonly #tls: TlsLine | undefined;
  readonly #line: HubLine;
  readonly #reports: ReportBatch;
  readonly #heartbeat: Heartbeat;
  readonly #stillMine: StillMine;
  readonly #reconnect: Reconnect;
  readonly #rotation: KeyRotation;
  readonly #door: DispatchDoor;
  readonly #counts = { joins: 0, malformed: 0 };
  #isJoined = false;
  #isClosed = false;
  #joinSentMs = 0;
  #welcomeTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#tls = options.trust && new TlsLine(options.trust);
    this.#line = new HubLine(options.url, (url) => this.#newSocket(url));
    const sendHeartbeat = (): void => {
      this.#line.socket.emit('hb', heartbeatFrame(options.executor, this.#door.leases.waiting));
    };
    this.#heartbeat = new Heartbeat(() => {
      if (!this.#stillMine.renew(this.#door.leases.tokens)) sendHeartbeat();
    });
    this.#reconnect = new Reconnect({ ...options, tls: this.#tls, connect: this.#line.connect });
    this.#stillMine = new StillMine({
      isJoined: () => this.#isJoined,
      leaseMsOf: (token) => this.#door.leases.msOf(token),
      running: () => options.executor.running(),
      sendHeartbeat,
      sendCheck: (tokens) => this.#line.socket.emit('check', tokens),
    });
    this.#door = new DispatchDoor({ ...options, stillMine: this.#stillMine, isJoined: () => this.#isJoined });
    this.#rotation = new KeyRotation(options, (rotate) => {
      const { socket } = this.#line;
      socket.emit('rotate', rotate(socket.id ?? ''));
    });
    this.#reports = new ReportBatch({
      isJoined: () => this.#isJoined,
      sendStarted: (tokens) => this.#line.socket.emit('started', tokens),
      sendResults: (results) => this.#line.socket.emit('results', results),
    });
  }

  get isJoined(): boolean {
    return this.#isJoined;
  }
  get counts(): ConnectionCounts {
    return { ...this.#counts, staleDispatches: this.#door.staleDispatches };
  }

  open(): void {
    this.#line.connect();
  }

  /** For good. What was reported in this turn is still sent. */
  close(): void {
    this.#reports.flush();
    this.fallSilent();
    this.#line.socket.disconnect();
  }

  /** As if the line were cut somewhere on the way: nothing is sent any more, nothing tried, the socket stays open. */
  fallSilent(): void {
    this.#isClosed = true;
    this.#lose();
    this.#door.leases.close();
    this.#reconnect.close();
  }

  started(token: Token): void {
    this.#reports.started(token);
  }
  result(result: AttemptResult): void {
    this.#door.leases.ended(result.token);
    this.#stillMine.ended(result.token);
    this.#reports.result(result);
  }
  /** Changes the key now, or at the next join. */
  rotateKey(): void {
    this.#rotation.wanted();
  }
  /** Is this attempt still this node's to run? Asked right before an effect that must not happen twice. */
  stillMine(token: Token): Promise<Standing> {
    return this.#stillMine.ask(token);
  }
  /** False while there is no joined connection; the piece then goes again after the next join. */
  sendLog(chunk: LogChunk): boolean {
    if (this.#isJoined) this.#line.socket.emit('log', chunk);
    return this.#isJoined;
  }

  #newSocket(url: string): HubSocket {
    const { executor, localAddress, nodeId, credentials } = this.#options;
    const auth = (): AgentAuth => ({ wire: agentWireVersion, nodeId, ...credentials.secrets() });
    const onMoved = (port: number): unknown => this.#line.handed(port);
    return listening(openSocket(url, { nodeId, localAddress, auth, onMoved, tls: this.#tls }), {
      connected: () => {
        this.#join();
      },
      notConnected: (error) => {
        this.#notConnected(error);
      },
      disconnected: (reason) => {
        this.#disconnected(reason);
      },
      welcome: (welcome) => {
        this.#welcomed(welcome);
      },
      run: (dispatch) => {
        this.#door.run(dispatch);
      },
      stop: (tokens) => {
        this.#door.leases.stop(tokens);
      },
      resultsAck: executor.resultsAcked.bind(executor),
      logAck: executor.logAcked.bind(executor),
      checked: (checked) => {
        this.#stillMine.answered(checked);
      },
      rotated: (publicKey) => {
        this.#rotation.rotated(publicKey);
      },
      refused: (refusal) => {
        this.#refused(refusal);
      },
      unreadable: (reason) => {
        this.#counts.malformed += 1;
        this.#options.log('warn', `a message of the hub cannot be read: ${reason.message}`);
      },
    });
  }

  #join(): void {
    const { credentials, executor, nodeId, spec } = this.#options;
    const { socket } = this.#line;
    // No attempt is taken beyond what a join can name. Where an older ledger holds more, what is cut are the results
    // that ended first: the hub gave up on those long ago, and they follow after the welcome like all others.
    const held = executor.held().slice(0, heldAttemptsMax);
    this.#joinSentMs = this.#stillMine.now();
    const proofs = [...credentials.sign(joinText(nodeId, socket.id ?? '', { spec, held }))];
    socket.emit('join', { spec, held, proofs });
    this.#welcomeTimer = setTimeout(() => {
      this.#options.log('warn', 'the hub did not answer the join', { afterMs: welcomeTimeoutMs });
      this.#line.socket.io.engine.close();
    }, welcomeTimeoutMs);
  }

  #welcomed(welcome: Welcome): void {
    const { credentials, executor, onJoined } = this.#options;
    clearTimeout(this.#welcomeTimer);
    credentials.known(welcome.publicKey);
    this.#door.welcomed(welcome.epoch);
    this.#reconnect.succeeded(welcome.returnAfterMs);
    this.#line.joined();
    this.#counts.joins += 1;
    this.#isJoined = true;
    this.#stillMine.joined(welcome, this.#joinSentMs);
    this.#door.revoke(welcome.revoked);
    this.#reports.replaceResults(executor.pendingResults());
    this.#reports.flush();
    executor.joined();
    this.#heartbeat.start(welcome.heartbeatMs);
    this.#rotation.joined();
    onJoined?.(welcome);
  }

  /** Of a join, or of a later message, which alone ends nothing. */
  #refused(refusal: HubRefusal): void {
    const { code, field, message } = refusal;
    if (!this.#isJoined && isFinal(refusal)) this.#turnedAway(refusal);
    else this.#options.log('error', `the hub refused a message of this agent: ${message}`, { code, field });
  }

  #turnedAway(refusal: HubRefusal): void {
    this.close();
    this.#options.onTurnedAway?.(refusal);
  }

  #notConnected(error: Error & { data?: unknown }): void {
    const refusal = refusalIn(error);
    if (refusal && isFinal(refusal)) {
      this.#turnedAway(refusal);
      return;
    }
    this.#lose();
    if (this.#isClosed) return;
    if (refusal?.code === 'moved' && this.#line.handed(refusal.port)) {
      this.#reconnect.afterMove();
      return;
    }
    if (refusal?.code !== 'later') this.#line.failed();
    this.#reconnect.afterFailure(error, refusal);
  }

  #disconnected(reason: string): void {
    const wasJoined = this.#isJoined;
    this.#lose();
    if (this.#isClosed) return;
    this.#options.log('warn', 'connection to the hub lost', { reason });
    if (!wasJoined) this.#line.failed();
    this.#reconnect.afterLoss(wasJoined);
  }

  #lose(): void {
    this.#isJoined = false;
    this.#stillMine.lost();
    // What was emitted while the line was breaking would go out before the join, which must be first.
    this.#line.socket.sendBuffer = [];
    this.#heartbeat.stop();
    this.#rotation.lost();
    clearTimeout(this.#welcomeTimer);
  }
}

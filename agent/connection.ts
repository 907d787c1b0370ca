// The agent's connection to its hub: identity, join, heartbeats, reports in batches, and coming back after a loss.
import type { AgentAuth, LogChunk, Welcome } from '../scheduler/protocol/agentWire.ts';
import type { Epoch, Token } from '../scheduler/protocol/brands.ts';
import { agentWireVersion, heldAttemptsMax } from '../scheduler/protocol/limits.ts';
import type { Outcome, Refusal } from '../scheduler/protocol/outcome.ts';
import type { AttemptReports } from './attemptExecutor.ts';
import type { ConnectionCounts, ConnectionOptions } from './connectionOptions.ts';
import { Heartbeat, heartbeatFrame } from './heartbeat.ts';
import * as hub from './hubMessages.ts';
import { type HubSocket, openSocket } from './hubSocket.ts';
import { HubLine } from './hubLine.ts';
import { Reconnect } from './reconnect.ts';
import { ReportBatch } from './reportBatch.ts';
import type { AttemptResult } from './resultOutbox.ts';
import { type Standing, StillMine } from './stillMine.ts';

/** A hub that takes a join and never answers is left again. */
const welcomeTimeoutMs = 30_000;
/** Refusals that no waiting lifts: the hub does not take this agent's secret. */
const finalCodes: readonly string[] = ['wrong_token', 'wrong_key', 'node_revoked'];

export class AgentConnection implements AttemptReports {
  readonly #options: ConnectionOptions;
  readonly #line: HubLine;
  readonly #reports: ReportBatch;
  readonly #heartbeat: Heartbeat;
  readonly #stillMine: StillMine;
  readonly #reconnect: Reconnect;
  readonly #counts = { joins: 0, malformed: 0, staleDispatches: 0 };
  #epoch = 0 as Epoch;
  #isJoined = false;
  #isClosed = false;
  #joinSentMs = 0;
  #welcomeTimer: NodeJS.Timeout | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#line = new HubLine(options.url, (url) => this.#newSocket(url));
    const sendHeartbeat = (): void => {
      this.#line.socket.emit('hb', heartbeatFrame(options.executor));
    };
    this.#heartbeat = new Heartbeat(sendHeartbeat);
    this.#reconnect = new Reconnect({
      url: options.url,
      retry: options.retry,
      log: options.log,
      connect: this.#line.connect,
    });
    this.#stillMine = new StillMine({
      isJoined: () => this.#isJoined,
      running: () => options.executor.running(),
      sendHeartbeat,
      sendCheck: (tokens) => this.#line.socket.emit('check', tokens),
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
    return { ...this.#counts };
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
    this.#reconnect.close();
  }

  started(token: Token): void {
    this.#reports.started(token);
  }
  result(result: AttemptResult): void {
    this.#stillMine.ended(result.token);
    this.#reports.result(result);
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
    const { executor, localAddress, log, nodeId, credentials } = this.#options;
    const auth = (): AgentAuth => ({ wire: agentWireVersion, nodeId, ...credentials.secrets() });
    const socket = openSocket(url, localAddress, auth);
    socket.on('connect', () => {
      this.#join();
    });
    socket.on('connect_error', (error) => {
      this.#notConnected(error);
    });
    socket.on('disconnect', (reason) => {
      this.#disconnected(reason);
    });
    socket.on('welcome', (message) => {
      this.#take(hub.readWelcome(message), (welcome) => {
        this.#welcomed(welcome);
      });
    });
    socket.on('run', (message) => {
      for (const item of Array.isArray(message) ? (message as unknown[]) : [message]) this.#run(item);
    });
    socket.on('stop', (message) => {
      this.#take(hub.readTokens(message, 'stop'), (tokens) => {
        executor.stop(tokens);
      });
    });
    socket.on('resultsAck', (message) => {
      this.#take(hub.readTokens(message, 'resultsAck'), (tokens) => {
        executor.resultsAcked(tokens);
      });
    });
    socket.on('checked', (message) => {
      this.#take(hub.readChecked(message), (checked) => {
        this.#stillMine.answered(checked);
      });
    });
    socket.on('logAck', (message) => {
      this.#take(hub.readLogAck(message), (ack) => {
        executor.logAcked(ack);
      });
    });
    socket.on('refused', (message) => {
      this.#take(hub.readRefusal(message), ({ code, field, message: text }) => {
        log('error', `the hub refused a message of this agent: ${text}`, { code, field });
      });
    });
    return socket;
  }

  #join(): void {
    const { executor, spec } = this.#options;
    // No attempt is taken beyond what a join can name. Where an older ledger holds more, what is cut are the results
    // that ended first: the hub gave up on those long ago, and they follow after the welcome like all others.
    const held = executor.held().slice(0, heldAttemptsMax);
    this.#joinSentMs = this.#stillMine.now();
    this.#line.socket.emit('join', { spec, held });
    this.#welcomeTimer = setTimeout(() => {
      this.#options.log('warn', 'the hub did not answer the join', { afterMs: welcomeTimeoutMs });
      this.#line.socket.io.engine.close();
    }, welcomeTimeoutMs);
  }

  #welcomed(welcome: Welcome): void {
    const { credentials, executor, log, onJoined } = this.#options;
    clearTimeout(this.#welcomeTimer);
    if (welcome.nodeKey !== undefined) credentials.keep(welcome.nodeKey);
    if (welcome.epoch < this.#epoch)
      log('error', 'this hub is older than one already obeyed: its dispatches will be refused', {
        epoch: welcome.epoch,
        newest: this.#epoch,
      });
    this.#epoch = Math.max(this.#epoch, welcome.epoch) as Epoch;
    this.#reconnect.succeeded(welcome.returnAfterMs);
    this.#line.joined();
    this.#counts.joins += 1;
    this.#isJoined = true;
    this.#stillMine.joined(welcome, this.#joinSentMs);
    if (welcome.revoked.length > 0) executor.revoke(welcome.revoked);
    this.#reports.replaceResults(executor.pendingResults());
    this.#reports.flush();
    executor.joined();
    this.#heartbeat.start(welcome.heartbeatMs);
    onJoined?.(welcome);
  }

  #run(item: unknown): void {
    const { executor } = this.#options;
    this.#take(hub.readDispatch(item), ({ name, epoch, dispatch }) => {
      if (epoch < this.#epoch) {
        this.#counts.staleDispatches += 1;
        executor.refuse(name, `stale epoch: the dispatch has ${epoch}, this agent obeys ${this.#epoch}`);
        return;
      }
      this.#epoch = epoch;
      if (dispatch.ok) executor.run(dispatch.value);
      else executor.refuse(name, `this agent cannot read the work: ${dispatch.reason.message}`);
    });
  }

  /** A message that cannot be read is counted and said; it never ends the agent. */
  #take<Message>(read: Outcome<Message, Refusal>, use: (message: Message) => void): void {
    if (read.ok) {
      use(read.value);
      return;
    }
    this.#counts.malformed += 1;
    this.#options.log('warn', `a message of the hub cannot be read: ${read.reason.message}`);
  }

  #notConnected(error: Error & { data?: unknown }): void {
    const { onTurnedAway } = this.#options;
    const read = hub.readRefusal(error.data);
    const refusal = read.ok ? read.value : undefined;
    if (refusal && finalCodes.includes(refusal.code)) {
      this.close();
      onTurnedAway?.(refusal);
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
    clearTimeout(this.#welcomeTimer);
  }
}

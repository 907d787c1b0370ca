// Keeps one scheduler host alive: starts it, restarts it with growing pauses, and tells windows what is going on.
import type { MessagePortMain } from 'electron';
import type { FromHostProcess, HostState, RecoveryProgress } from '../scheduler/protocol/hostLink.ts';
import { hostExit } from '../scheduler/protocol/hostLink.ts';
import type { CompanionStart } from './companion.ts';
import type { HostRun, LaunchHost } from './hostLaunch.ts';

/** Pauses before each restart; the last one repeats. A crash at once must not become a busy loop. */
const restartPausesMs = [500, 1_000, 2_000, 5_000, 10_000];
/** A host that ran this long was healthy: its next crash starts again at the shortest pause. */
const healthyAfterMs = 60_000;
/** Time for an orderly stop: the last journal write and the goodbyes. Agents keep their results either way. */
const stopWithinMs = 10_000;
/** Windows draw a recovery this often; the host tells it as often as it likes. */
const progressEveryMs = 200;

export interface Supervision {
  /** False inside main: what a broken host left open there would be in its successor's way. */
  readonly canRestart: boolean;
  onState(state: HostState): void;
  onOutput(text: string): void;
  onListening(address: string): void;
  onStartFleet(start: CompanionStart): void;
  onStopFleet(): void;
  onStartEdge(edge: number, env: Readonly<Record<string, string>>): void;
  onKillEdge(edge: number): void;
}

export class HostSupervisor {
  readonly #launch: LaunchHost;
  readonly #events: Supervision;
  #state: HostState = { state: 'starting' };
  #run: HostRun | undefined;
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #healthTimer: NodeJS.Timeout | undefined;
  #refusal: string | undefined;
  #stopped: (() => void) | undefined;
  #progressAtMs = -Infinity;

  constructor(launch: LaunchHost, events: Supervision) {
    this.#launch = launch;
    this.#events = events;
  }

  get state(): HostState {
    return this.#state;
  }

  start(): void {
    this.#restartTimer = undefined;
    this.#refusal = undefined;
    this.#become({ state: 'starting' });
    try {
      this.#run = this.#launch({
        onMessage: (message) => {
          this.#take(message);
        },
        onExit: (code, why) => {
          this.#ended(code, why);
        },
        onOutput: (text) => {
          this.#events.onOutput(text);
        },
      });
    } catch (error) {
      this.#become({ state: 'failed', reason: `the host cannot be loaded: ${String(error)}` });
    }
  }

  /** Hands a window's end of a channel to the host. False where no host is ready to take it. */
  connectConsole(from: 'window' | 'shell', port: MessagePortMain): boolean {
    if (this.#state.state !== 'running' || !this.#run) return false;
    this.#run.send({ kind: 'console', from }, [port]);
    return true;
  }

  fleetEnded(code: number | null): void {
    this.#run?.send({ kind: 'fleetEnded', code });
  }

  edgeEnded(edge: number): void {
    this.#run?.send({ kind: 'edgeEnded', edge });
  }

  /** Orderly stop; resolves once the host is gone, or was killed after its time. It is not started again. */
  stop(): Promise<void> {
    clearTimeout(this.#restartTimer);
    clearTimeout(this.#healthTimer);
    const run = this.#run;
    if (!run) return Promise.resolve();
    return new Promise((resolve) => {
      const killTimer = setTimeout(() => {
        this.#events.onOutput(`host: did not stop within ${stopWithinMs / 1000} s, killed\n`);
        run.kill();
        resolve();
      }, stopWithinMs);
      this.#stopped = () => {
        clearTimeout(killTimer);
        resolve();
      };
      run.send({ kind: 'stop' });
    });
  }

  #take(message: FromHostProcess): void {
    switch (message.kind) {
      case 'recovering':
        this.#recovering(message);
        return;
      case 'failed':
        this.#refusal = message.refusal.message;
        this.#become({ state: 'failed', reason: message.refusal.message });
        return;
      case 'startFleet':
        this.#events.onStartFleet(message);
        return;
      case 'stopFleet':
        this.#events.onStopFleet();
        return;
      case 'startEdge':
        this.#events.onStartEdge(message.edge, message.env);
        return;
      case 'killEdge':
        this.#events.onKillEdge(message.edge);
        return;
      case 'listening':
        this.#become({ state: 'running', epoch: message.epoch });
        this.#events.onListening(message.address);
        this.#healthTimer = setTimeout(() => {
          this.#restarts = 0;
        }, healthyAfterMs);
        return;
    }
  }

  /** A new stage is told at once, and so is the end of one; what lies between only now and then. */
  #recovering({ stage, done, total }: RecoveryProgress): void {
    const before = this.#state;
    if (before.state === 'failed') return;
    const isNewStage = before.state !== 'recovering' || before.stage !== stage;
    const isEnd = total > 0 && done >= total;
    const atMs = performance.now();
    if (!isNewStage && !isEnd && atMs - this.#progressAtMs < progressEveryMs) return;
    this.#progressAtMs = atMs;
    this.#become({ state: 'recovering', stage, done, total });
  }

  #ended(code: number, why: string): void {
    clearTimeout(this.#healthTimer);
    this.#run = undefined;
    if (this.#stopped) {
      this.#events.onOutput('host: stopped\n');
      this.#stopped();
      return;
    }
    this.#events.onOutput(`host: ended: ${why}\n`);
    if (code === hostExit.cannotStart) {
      this.#become({ state: 'failed', reason: this.#refusal ?? `the host cannot start (${why})` });
      return;
    }
    if (this.#events.canRestart) this.#restartLater(why);
    else
      this.#become({
        state: 'failed',
        reason: `the host ended (${this.#refusal ?? why}); start Millrace again`,
      });
  }

  #restartLater(reason: string): void {
    const inMs = restartPausesMs[Math.min(this.#restarts, restartPausesMs.length - 1)] ?? 0;
    this.#restarts += 1;
    this.#become({ state: 'restarting', restarts: this.#restarts, inMs, reason });
    this.#restartTimer = setTimeout(() => {
      this.start();
    }, inMs);
  }

  #become(state: HostState): void {
    this.#state = state;
    this.#events.onState(state);
  }
}

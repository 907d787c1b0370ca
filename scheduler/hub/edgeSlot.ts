// One edge over its lives: started, linked, listening, lost, started again; ended with the host.
import type { Ms } from '../protocol/brands.ts';
import type { EdgeVisitor, LinkToEdge } from './edgeDoor.ts';
import { type EdgeSetup, edgeSetupVariable } from './edgeRecords.ts';
import { addStats, ofPast } from './hubStats.ts';
import type { NodeHolders } from './nodeHolders.ts';
import type { EdgeLoss, EdgeRunner, EdgeStats, HubHandlers, HubLog, HubStats } from './ports.ts';
import { RemoteEdge } from './remoteEdge.ts';

export interface SlotParts {
  readonly runner: EdgeRunner;
  readonly handlers: HubHandlers;
  readonly holders: NodeHolders;
  readonly log: HubLog;
  readonly clock: () => Ms;
  readonly setupOf: (edge: number, port: number) => EdgeSetup;
  readonly onLost: (loss: EdgeLoss) => void;
  readonly onListening: (edge: number) => void;
  readonly onStalled: () => void;
}

/** Before an edge that ended is started again: at once, then with care. */
const restartPausesMs = [0, 1_000, 2_000, 5_000];
const minuteMs = 60_000;
const killAfterMs = 5_000;

export class EdgeSlot {
  readonly edge: number;
  readonly #parts: SlotParts;
  readonly #endsAtMs: number[] = [];
  #port: number;
  #remote: RemoteEdge | undefined;
  #link: LinkToEdge | undefined;
  #past: HubStats | undefined;
  #pastSent = { records: 0, frames: 0 };
  #isListening = false;
  #isRunning = false;
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;
  #ended: (() => void) | undefined;

  /** `port`: the one to take, 0 for any. It keeps the one it got, so that its agents find it again. */
  constructor(edge: number, port: number, parts: SlotParts) {
    this.edge = edge;
    this.#port = port;
    this.#parts = parts;
  }

  get port(): number {
    return this.#port;
  }
  get remote(): RemoteEdge | undefined {
    return this.#remote;
  }
  /** To it since the first start. */
  get sent(): { readonly records: number; readonly frames: number; readonly waitingBytes: number } {
    const { records, frames } = this.#link?.sent ?? { records: 0, frames: 0 };
    return {
      records: this.#pastSent.records + records,
      frames: this.#pastSent.frames + frames,
      waitingBytes: this.#link?.waitingBytes ?? 0,
    };
  }
  get isListening(): boolean {
    return this.#isListening;
  }
  /** Those of earlier lives included. A second old at most. */
  get stats(): HubStats | undefined {
    const now = this.#remote?.stats;
    if (this.#past === undefined) return now;
    return now === undefined ? this.#past : addStats(this.#past, [now]);
  }

  get counts(): EdgeStats {
    const { edge, isListening, stats } = this;
    return { edge, isListening, agents: this.#remote?.agents ?? 0, stats };
  }

  start(): void {
    if (this.#isRunning || this.#isClosing) return;
    this.#isRunning = true;
    const { runner, setupOf } = this.#parts;
    const setup = JSON.stringify(setupOf(this.edge, this.#port));
    runner.start(this.edge, { [edgeSetupVariable]: setup }, () => {
      this.#gone();
    });
  }

  /** Nothing where it has a link already, or is ending. */
  greet(link: LinkToEdge): EdgeVisitor | undefined {
    if (this.#link || this.#isClosing) return undefined;
    const { edge } = this;
    const { log, onListening, onStalled, handlers, holders } = this.#parts;
    const remote = new RemoteEdge({
      edge,
      link,
      log,
      handlers,
      holders,
      onListening: (port, pid) => {
        this.#port = port;
        this.#isListening = true;
        log('info', 'an edge takes agents', { edge, port, pid });
        onListening(edge);
      },
      onStalled: (forMs) => {
        log('warn', 'an edge stood still: nothing that hangs on its agents is lost before they are heard', {
          edge,
          forMs,
        });
        onStalled();
      },
    });
    this.#remote = remote;
    this.#link = link;
    return {
      onRecords: (records) => {
        remote.take(records);
      },
      onClosed: (reason) => {
        this.#lost(remote, reason);
      },
    };
  }

  /** With its host. Resolves when its process is gone. */
  end(): Promise<void> {
    this.#isClosing = true;
    clearTimeout(this.#timer);
    this.#link?.close('the host stops');
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#parts.runner.kill(this.edge);
      }, killAfterMs);
      this.#ended = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** The link is gone: the process has ended, ends by itself, or hangs and is ended. */
  #lost(remote: RemoteEdge, reason: string): void {
    this.#pastSent = this.sent;
    this.#remote = undefined;
    this.#link = undefined;
    this.#isListening = false;
    if (remote.stats) this.#past = addStats(ofPast(remote.stats), [this.#past]);
    if (this.#isClosing) return;
    const { log, onLost, runner } = this.#parts;
    const { edge } = this;
    const { agents } = remote;
    log('error', 'an edge is lost; its agents connect again', { edge, agents, reason });
    onLost({ edge, agents, endsOfMinute: this.#countEnd() });
    void remote.lost();
    runner.kill(edge);
    this.#startSoon();
  }

  #gone(): void {
    this.#isRunning = false;
    this.#ended?.();
    if (this.#isClosing) return;
    if (this.#link) this.#link.close('its process ended');
    // One that never came as far as its link counts too, or it would be started without end.
    else if (!this.#timer && !this.#hasJustEnded()) this.#countEnd();
    this.#startSoon();
  }

  #startSoon(): void {
    if (this.#isRunning || this.#link || this.#isClosing || this.#timer) return;
    const at = Math.min(this.#endsAtMs.length, restartPausesMs.length) - 1;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.start();
    }, restartPausesMs[at] ?? 0);
  }

  /** Ends within the last minute, with this one. */
  #countEnd(): number {
    const nowMs = this.#parts.clock();
    this.#endsAtMs.push(nowMs);
    while ((this.#endsAtMs[0] ?? nowMs) < nowMs - minuteMs) this.#endsAtMs.shift();
    return this.#endsAtMs.length;
  }

  #hasJustEnded(): boolean {
    return (this.#endsAtMs.at(-1) ?? 0) > this.#parts.clock() - 1_000;
  }
}

// The flight recorder as the host has it: a thread that records, and one that looks back while somebody does.
import { type MessagePort, Worker } from 'node:worker_threads';
import { ms } from '../protocol/brands.ts';
import { type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { PastAsks, PastQuestion, RecorderResults, RecorderState } from '../protocol/recorder.ts';
import { PastLink } from './pastLink.ts';
import type { Bounds, Reach } from './recording.ts';
import type { FromRecorder, RecorderStart, ToRecorder } from './threadMessages.ts';
import { WhatIfRuns } from './whatIfRuns.ts';

export interface RecorderOptions extends RecorderStart {
  /** The threads' files, or their bundles. */
  readonly recorderThread: URL;
  readonly pastThread: URL;
  readonly whatIfThread: URL;
  /** The other end was given to the journal. */
  readonly feed: MessagePort;
  readonly log: (level: 'warn' | 'error', message: string, details: object) => void;
}

/** Kept for whoever asks; older ones are in the log. */
const noticesMax = 50;
const hourMs = 3_600_000;

export class Recorder {
  readonly #options: RecorderOptions;
  readonly #worker: Worker;
  readonly #ended: Promise<void>;
  readonly #past: PastLink;
  readonly whatIfs: WhatIfRuns;
  #bounds: Bounds;
  #reach: Reach = { bytes: 0, snapshots: 0, gaps: 0 };
  #asked: (() => void)[] = [];
  #notices: readonly string[] = [];
  #failure: string | undefined;
  #isClosed = false;

  constructor(options: RecorderOptions) {
    const { folder, bounds, feed, recorderThread, snapshotEveryBytes, pagesMax } = options;
    this.#options = options;
    this.#bounds = bounds;
    this.#worker = new Worker(recorderThread, {
      workerData: { folder, bounds, feed, snapshotEveryBytes, pagesMax },
      name: 'recorder',
      transferList: [feed],
    });
    this.#worker.on('message', (message: FromRecorder) => {
      this.#take(message);
    });
    this.#worker.on('error', (error: unknown) => {
      this.#fail(error instanceof Error ? error.message : String(error));
    });
    this.#ended = new Promise((resolve) => {
      this.#worker.once('exit', () => {
        this.#fail('the recorder has ended');
        resolve();
      });
    });
    this.whatIfs = new WhatIfRuns({ folder, threadFile: options.whatIfThread, clock: () => ms(Date.now()) });
    this.#past = new PastLink(options.pastThread, { folder }, (notice) => {
      this.#note(notice);
    });
  }

  /** As of what is durable now. */
  async state(): Promise<RecorderState> {
    await this.#caughtUp();
    const { reachesBackToMs, untilMs, ...sizes } = this.#reach;
    const { seeking } = this.#past;
    return {
      isOn: this.#failure === undefined,
      ...(this.#failure !== undefined && { message: this.#failure }),
      ...(reachesBackToMs !== undefined && { reachesBackToMs: ms(reachesBackToMs) }),
      ...(untilMs !== undefined && { untilMs: ms(untilMs) }),
      ...sizes,
      bytesMax: this.#bounds.bytesMax,
      keepHours: this.#bounds.keepMs / hourMs,
      notices: this.#notices,
      ...(seeking && { seek: { ...seeking, atMs: ms(seeking.atMs) } }),
    };
  }

  /** Refuses `wrong_state` where that time is not recorded, or the seek was stopped. */
  async ask<Name extends PastQuestion>(
    question: Name,
    asks: PastAsks<Name>,
  ): Promise<Outcome<RecorderResults[Name], Refusal>> {
    // Only what is newer than the record so far has to be waited for.
    if (asks.atMs >= (this.#reach.untilMs ?? 0)) await this.#caughtUp();
    if (this.#reach.untilMs === undefined) return refused(refusal('wrong_state', this.#nothing()));
    return this.#past.ask(question, asks);
  }

  /** False: nothing was under way. */
  stopSeek(): boolean {
    return this.#past.stop();
  }

  /** Why nothing is recorded now; undefined while it is. */
  get failure(): string | undefined {
    return this.#failure;
  }

  setBounds(bounds: Bounds): void {
    this.#bounds = bounds;
    this.#tell({ kind: 'bounds', bounds });
  }

  async close(): Promise<void> {
    await this.#past.close();
    await this.whatIfs.close();
    this.#isClosed = true;
    this.#failure ??= 'the host stops';
    this.#tell({ kind: 'close' });
    await this.#ended;
  }

  #nothing(): string {
    return this.#failure === undefined ? 'nothing is recorded yet' : `nothing is recorded: ${this.#failure}`;
  }

  #caughtUp(): Promise<void> {
    if (this.#failure !== undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.#asked.push(resolve);
      this.#tell({ kind: 'reach' });
    });
  }

  #tell(message: ToRecorder): void {
    this.#worker.postMessage(message);
  }

  #take(message: FromRecorder): void {
    switch (message.kind) {
      case 'reach':
        this.#reach = message.reach;
        this.#asked.shift()?.();
        return;
      case 'notice':
        this.#note(message.message);
        return;
      case 'recording':
        this.#goesOn();
        return;
      case 'failed':
        this.#fail(message.message);
    }
  }

  #note(notice: string): void {
    if (this.#notices.includes(notice)) return;
    this.#notices = [...this.#notices, notice].slice(-noticesMax);
    this.#options.log('warn', 'recorder', { notice });
  }

  /** The scheduler goes on without a record. */
  #fail(message: string): void {
    for (const resolve of this.#asked.splice(0)) resolve();
    if (this.#failure !== undefined) return;
    this.#failure = message;
    this.#options.log('error', 'nothing is recorded from now on', { message });
  }

  #goesOn(): void {
    if (this.#failure === undefined || this.#isClosed) return;
    this.#failure = undefined;
    this.#options.log('warn', 'recording goes on', {});
  }
}

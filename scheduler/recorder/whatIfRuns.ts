// The host's end of what-ifs: one at a time, on a thread of its own; the newest is shown until the next begins.
import { Worker } from 'node:worker_threads';
import { type Ms, ms } from '../protocol/brands.ts';
import { whatIfSpanMaxMs } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { WhatIfAsks, WhatIfRun } from '../protocol/whatIf.ts';
import type { FromWhatIf, WhatIfStart } from './whatIfMessages.ts';

export interface WhatIfParts {
  readonly folder: string;
  /** whatIfThread.ts, or its bundle. */
  readonly threadFile: URL;
  readonly clock: () => Ms;
}

export class WhatIfRuns {
  readonly #parts: WhatIfParts;
  #run: WhatIfRun | undefined;
  #worker: Worker | undefined;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: WhatIfParts) {
    this.#parts = parts;
  }

  newest(): WhatIfRun | undefined {
    return this.#run;
  }

  /** Refuses `too_many` while one runs, `bad_message` for a span that is none or too long. */
  start(asks: WhatIfAsks, actor: string): Outcome<WhatIfRun, Refusal> {
    const hindrance = this.#hindrance(asks);
    if (hindrance) return refused(hindrance);
    const { folder, threadFile, clock } = this.#parts;
    const started: WhatIfRun = {
      runId: (this.#run?.runId ?? 0) + 1,
      actor,
      state: 'running',
      fromMs: asks.fromMs,
      untilMs: asks.untilMs,
      startedAtMs: clock(),
      progress: 0,
      message: 'begins',
    };
    this.#run = started;
    const workerData: WhatIfStart = { folder, asks };
    const worker = new Worker(threadFile, { workerData, name: 'what-if' });
    this.#worker = worker;
    worker.on('message', (message: FromWhatIf) => {
      if (this.#worker === worker) this.#take(message);
    });
    worker.on('error', (error: unknown) => {
      if (this.#worker === worker)
        this.#end('failed', error instanceof Error ? error.message : String(error));
    });
    const exited = new Promise<void>((resolve) => {
      worker.once('exit', () => {
        if (this.#worker === worker) {
          this.#worker = undefined;
          this.#end('failed', 'its thread has ended');
        }
        resolve();
      });
    });
    // One that has answered may still be closing its file.
    this.#ended = this.#ended.then(() => exited);
    return accepted(started);
  }

  /** Refuses `wrong_state` where that one does not run. */
  cancel(runId: number): Outcome<WhatIfRun, Refusal> {
    if (this.#run?.runId !== runId || this.#run.state !== 'running')
      return refused(refusal('wrong_state', `no what-if ${runId} is running`, { field: 'runId' }));
    this.#end('cancelled', 'cancelled');
    this.#worker?.postMessage('stop');
    this.#worker = undefined;
    return accepted(this.#run);
  }

  async close(): Promise<void> {
    this.#worker?.postMessage('stop');
    await this.#ended;
  }

  #hindrance({ fromMs, untilMs }: WhatIfAsks): Refusal | undefined {
    if (this.#run?.state === 'running')
      return refusal('too_many', 'a what-if is running; wait for it, or cancel it', { retryAfterMs: 5_000 });
    if (untilMs > fromMs && untilMs - fromMs <= whatIfSpanMaxMs) return undefined;
    const hours = whatIfSpanMaxMs / 3_600_000;
    return refusal('bad_message', `untilMs is after fromMs, by at most ${hours} hours`, { field: 'untilMs' });
  }

  #take(message: FromWhatIf): void {
    if (this.#run?.state !== 'running') return;
    switch (message.kind) {
      case 'step':
        this.#run = { ...this.#run, message: message.message, progress: Math.min(1, message.part) };
        return;
      case 'done':
        this.#run = { ...this.#run, progress: 1, answer: message.answer };
        this.#end('done', 'done');
        return;
      case 'failed':
        this.#end('failed', message.refusal.message);
    }
  }

  #end(state: WhatIfRun['state'], message: string): void {
    if (this.#run?.state !== 'running') return;
    this.#run = { ...this.#run, state, message, endedAtMs: ms(this.#parts.clock()) };
  }
}

// Runs exports and backups, each on a thread of its own that ends with it, and ends them when they are not wanted.
import type { HistoryOptions, JobOptions } from './port.ts';
import { HistoryFailed, HistoryThread } from './thread.ts';
import type { CopierQuestion, Questions } from './threadMessages.ts';

interface Running {
  readonly stop: () => void;
  readonly ended: Promise<unknown>;
}

export class CopyJobs {
  readonly #options: Pick<HistoryOptions, 'folder' | 'threadFile'>;
  readonly #running = new Set<Running>();

  constructor(options: Pick<HistoryOptions, 'folder' | 'threadFile'>) {
    this.#options = options;
  }

  /** Rejects with `HistoryFailed` where the copy cannot be made, and when the signal aborts. */
  async run<Name extends CopierQuestion>(
    question: Name,
    asks: Questions[Name]['asks'],
    { onProgress, signal }: JobOptions,
  ): Promise<Questions[Name]['gets']> {
    if (signal.aborted)
      throw new HistoryFailed({ cause: 'unknown', message: `${asks.path} was not made: it was cancelled` });
    const { folder, threadFile } = this.#options;
    const stop = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
    const halt = (): void => {
      Atomics.store(stop, 0, 1);
    };
    const thread = new HistoryThread<CopierQuestion>(threadFile, { role: 'copier', folder, stop }, (told) => {
      if (told.kind === 'progress') onProgress(told.done, told.total);
    });
    const work = copied(thread, question, asks);
    const running: Running = { stop: halt, ended: work.catch(() => undefined) };
    this.#running.add(running);
    signal.addEventListener('abort', halt);
    try {
      return await work;
    } finally {
      signal.removeEventListener('abort', halt);
      this.#running.delete(running);
    }
  }

  /** Cancels what runs, and resolves once nothing of it is left. */
  async end(): Promise<void> {
    for (const running of this.#running) running.stop();
    await Promise.all([...this.#running].map(({ ended }) => ended));
  }
}

async function copied<Name extends CopierQuestion>(
  thread: HistoryThread<CopierQuestion>,
  question: Name,
  asks: Questions[Name]['asks'],
): Promise<Questions[Name]['gets']> {
  try {
    const opened = await thread.opened;
    if (!opened.ok) throw new HistoryFailed(opened.reason);
    return await thread.ask(question, asks);
  } finally {
    await thread.close();
  }
}

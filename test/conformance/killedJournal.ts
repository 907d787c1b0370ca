// A journal in a process of its own that is killed once so many more batches are acknowledged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const child = new URL('journalChild.ts', import.meta.url).pathname;

export class KilledJournal {
  readonly #words: readonly string[];
  /** The last batch that was told to be durable, over all lives. */
  acknowledged = 0;

  constructor(folder: string, { isRecorded = false } = {}) {
    this.#words = [folder, ...(isRecorded ? ['recorded'] : [])];
  }

  async killAfter(batches: number): Promise<void> {
    const stopAt = this.acknowledged + batches;
    const running = spawn(process.execPath, [child, ...this.#words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: running.stdout }).on('line', (line) => {
      this.acknowledged = Number(line);
      if (this.acknowledged >= stopAt) running.kill('SIGKILL');
    });
    await once(running, 'close');
  }
}

// The storage of a host over stores that write small files, and a clock that the test moves.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Storage } from '../../scheduler/host/storage.ts';
import { StorageFile } from '../../scheduler/host/storageFile.ts';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { StorageJob } from '../../scheduler/protocol/storage.ts';

interface CopyOptions {
  readonly onProgress: (done: number, total: number) => void;
  readonly signal: AbortSignal;
}

export class StorageStage {
  readonly root = mkdtempSync(join(tmpdir(), 'millrace-storage-'));
  readonly dataFolder = join(this.root, 'hub');
  readonly backups = join(this.root, 'backups');
  readonly clock = { nowMs: Date.UTC(2026, 10, 23, 10, 45, 12) };
  readonly alarms = new Alarms(() => ms(this.clock.nowMs));
  readonly settings: StorageFile;
  readonly storage: Storage;
  freeBytes = 2 ** 40;
  /** What the stores wait for before they copy; and what they fail with instead. */
  gate: Promise<unknown> = Promise.resolve();
  failure: Error | undefined;
  readonly asked: unknown[] = [];

  constructor() {
    mkdirSync(this.dataFolder);
    mkdirSync(this.backups);
    writeFileSync(join(this.dataFolder, 'secrets.json'), '{"apiToken":"a"}', { mode: 0o600 });
    const settings = StorageFile.open(this.dataFolder);
    if (!settings.ok) throw new Error(settings.reason.message);
    this.settings = settings.value;
    this.storage = this.open();
  }

  /** As after a start of the host. */
  open(): Storage {
    const history = {
      stats: () => ({ cursor: 7, fileBytes: 40_960, tasks: 10, logBytes: 0 }),
      oldestEndedMs: () => Promise.resolve(ms(5)),
      count: () => Promise.resolve({ total: 10, isEstimate: false }),
      backupTo: (path: string, options: CopyOptions) => this.#copy(path, 'history', options),
      exportTo: async (path: string, options: CopyOptions & { filter: unknown; format: string }) => {
        this.asked.push({ filter: options.filter, format: options.format });
        await this.#copy(path, 'rows', options);
        return { rows: 10, bytes: 4 };
      },
    };
    const journal = {
      stats: () => ({
        fileBytes: 8_192,
        bytesSinceSnapshot: 9,
        isSnapshotUnderWay: false,
        durableSequence: 8,
      }),
      backupTo: (path: string, options: CopyOptions) => this.#copy(path, 'journal', options),
    };
    const host = {
      config: { dataFolder: this.dataFolder },
      files: { version: '1.2.3' },
      events: { log: () => undefined },
      history,
      journal,
      settings: this.settings,
      recorder: { setBounds: (bounds: unknown) => this.asked.push({ bounds }) },
    };
    return new Storage({
      host: host as never,
      alarms: this.alarms,
      clock: () => ms(this.clock.nowMs),
      trail: { exportTo: () => Promise.reject(new Error('this stage has no trail')) },
      freeBytesOf: () => Promise.resolve(this.freeBytes),
    });
  }

  pass(hours: number): void {
    this.clock.nowMs += hours * 3_600_000;
  }

  /** The job once it has ended. */
  async ended(jobId: number, storage = this.storage): Promise<StorageJob> {
    for (;;) {
      const job = (await storage.state()).jobs.find((one) => one.jobId === jobId);
      if (job === undefined) throw new Error(`job ${jobId} is not listed`);
      if (job.state !== 'running') return job;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Makes a backup; its folder. */
  async backup(): Promise<string> {
    const started = await this.storage.startBackup(this.backups, 'ann');
    if (!started.ok) throw new Error(started.reason.message);
    const { path, message } = await this.ended(started.value.jobId);
    if (path === undefined) throw new Error(message);
    return path;
  }

  close(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  async #copy(path: string, text: string, { onProgress, signal }: CopyOptions): Promise<void> {
    onProgress(1, 2);
    const aborted = new Promise((_, reject) => {
      signal.addEventListener('abort', () => {
        reject(new Error('aborted'));
      });
    });
    await Promise.race([this.gate, aborted]);
    if (this.failure) throw this.failure;
    await writeFile(path, `${text} as of ${this.clock.nowMs}`, { flag: 'wx' });
    onProgress(2, 2);
  }
}

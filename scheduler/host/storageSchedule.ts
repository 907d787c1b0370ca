// Backups that are made by themselves: when the next one is due, what follows once it has ended, and the alarm.
import type { Alarms } from '../observe/alarms.ts';
import type { Log } from '../observe/log.ts';
import { ms, type Ms } from '../protocol/brands.ts';
import { type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { BackupPlan, StorageJob } from '../protocol/storage.ts';
import { findBackups, pruneBackups } from './storageBackup.ts';
import { wordsOf } from './storageFolder.ts';

/** A host that has just started has agents to take back first. */
const firstAfterMs = 60_000;
/** After one that failed or was cancelled: somebody may be making room, or be plugging in a disk. */
const againAfterMs = 15 * 60_000;
const hourMs = 3_600_000;
const scheduleActor = 'schedule';
const source = 'backup';

export interface ScheduleParts {
  readonly plan: () => BackupPlan;
  readonly origin: string;
  readonly clock: () => Ms;
  readonly alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly log: Log;
  readonly start: (
    folder: string,
    actor: string,
  ) => Promise<Outcome<{ readonly ended: Promise<StorageJob> }, Refusal>>;
}

export class BackupSchedule {
  readonly #parts: ScheduleParts;
  #notBeforeMs: number;
  /** The folder that `#lastAtMs` was looked for in. */
  #lookedIn: string | undefined;
  #lastAtMs: number | undefined;
  #isBusy = false;

  constructor(parts: ScheduleParts) {
    this.#parts = parts;
    this.#notBeforeMs = parts.clock() + firstAfterMs;
  }

  /** Looks into the plan's folder. */
  async times(): Promise<{ readonly lastAtMs?: Ms; readonly nextAtMs?: Ms }> {
    const { folder } = this.#parts.plan();
    if (folder === undefined) return {};
    if (this.#lookedIn !== folder) await this.#look(folder);
    const last = this.#lastAtMs === undefined ? {} : { lastAtMs: ms(this.#lastAtMs) };
    return { ...last, nextAtMs: ms(this.#nextAtMs()) };
  }

  planChanged(): void {
    this.#lookedIn = undefined;
    this.#notBeforeMs = this.#parts.clock() + firstAfterMs;
    // What failed was the old plan.
    this.#parts.alarms.clear('BACKUP_FAILED', source);
  }

  /** To be called every few seconds. Resolves once what was due has ended; never rejects. */
  async check(): Promise<void> {
    const { plan, clock } = this.#parts;
    const { folder } = plan();
    if (folder === undefined || this.#isBusy || clock() < this.#notBeforeMs) return;
    this.#isBusy = true;
    try {
      if (this.#lookedIn !== folder) await this.#look(folder);
      if (clock() < this.#nextAtMs()) return;
      // Looked at again: another disk may be mounted there now, and somebody may have made one by hand.
      await this.#look(folder);
      if (clock() >= this.#nextAtMs()) await this.#make(folder);
    } finally {
      this.#isBusy = false;
    }
  }

  /** A backup is complete in this folder, whoever asked for it. */
  async made(folder: string): Promise<void> {
    const { plan, origin, alarms, log } = this.#parts;
    if (folder !== plan().folder) return;
    alarms.clear('BACKUP_FAILED', source);
    try {
      const gone = await pruneBackups(folder, origin, plan().keep);
      if (gone.length > 0) log('info', 'old backups removed', { gone, keep: plan().keep });
    } catch (error) {
      log('warn', 'old backups cannot be removed', { folder, why: wordsOf(error) });
    }
    await this.#look(folder);
  }

  #nextAtMs(): number {
    const dueMs = this.#lastAtMs === undefined ? 0 : this.#lastAtMs + this.#parts.plan().everyHours * hourMs;
    return Math.max(dueMs, this.#notBeforeMs);
  }

  async #look(folder: string): Promise<void> {
    this.#lookedIn = folder;
    const found = await findBackups(folder, this.#parts.origin).catch(() => []);
    this.#lastAtMs = found[0]?.madeAtMs;
  }

  async #make(folder: string): Promise<void> {
    const { clock, start, log } = this.#parts;
    const started = await start(folder, scheduleActor).catch((error: unknown) =>
      refused(refusal('storage_failed', wordsOf(error))),
    );
    if (!started.ok) {
      // Another long job is under way: nothing is wrong, it only has to wait.
      this.#notBeforeMs = clock() + firstAfterMs;
      if (started.reason.code !== 'too_many') this.#failed(folder, started.reason.message);
      return;
    }
    const { state, message = '' } = await started.value.ended;
    if (state === 'done') return;
    this.#notBeforeMs = clock() + againAfterMs;
    if (state === 'failed') this.#failed(folder, message);
    else log('info', 'scheduled backup was cancelled', { folder, againInMs: againAfterMs });
  }

  #failed(folder: string, message: string): void {
    const { alarms, log, clock } = this.#parts;
    this.#notBeforeMs = clock() + againAfterMs;
    alarms.raise({ code: 'BACKUP_FAILED', source, params: { folder, message } });
    log('warn', 'scheduled backup failed', { folder, message, againInMs: againAfterMs });
  }
}

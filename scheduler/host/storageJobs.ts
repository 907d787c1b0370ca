// Long work on the stores: few at a time, with progress, ended by a person, listed until the host ends.
import type { Ms } from '../protocol/brands.ts';
import { jobsListedMax, jobsRunningMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { StorageJob } from '../protocol/storage.ts';
import type { Log } from '../observe/log.ts';
import { wordsOf } from './storageFolder.ts';

export interface Work {
  readonly kind: StorageJob['kind'];
  readonly actor: string;
  /** What is being made: no two jobs at a time make the same. */
  readonly path: string;
  /** Resolves with the bytes made. Rejects where it failed or was cancelled; nothing of it is left then. */
  readonly run: (progress: (done: number, total: number) => void, signal: AbortSignal) => Promise<number>;
}

interface Running {
  readonly aborter: AbortController;
  readonly ended: Promise<StorageJob>;
}

export class StorageJobs {
  readonly #clock: () => Ms;
  readonly #log: Log;
  /** Oldest first. */
  readonly #jobs = new Map<number, StorageJob>();
  readonly #running = new Map<number, Running>();
  #lastId = 0;
  #isClosed = false;

  constructor(clock: () => Ms, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Newest first. */
  list(): readonly StorageJob[] {
    return [...this.#jobs.values()].reverse();
  }

  isRunning(kind: StorageJob['kind']): boolean {
    return [...this.#running.keys()].some((jobId) => this.#jobs.get(jobId)?.kind === kind);
  }

  /** Resolves once no backup runs. */
  async noBackup(): Promise<void> {
    while (this.isRunning('backup')) {
      const ends = [...this.#running].flatMap(([jobId, { ended }]) =>
        this.#jobs.get(jobId)?.kind === 'backup' ? [ended] : [],
      );
      await Promise.all(ends);
    }
  }

  /** Why no work of this kind can begin now. */
  hindrance(kind: StorageJob['kind']): Refusal | undefined {
    if (this.#isClosed) return refusal('stopping', 'the host is stopping; ask again when it is back');
    if (kind === 'backup' && this.isRunning('backup'))
      return refusal('too_many', 'a backup is being made already; wait for it, or cancel it');
    if (this.#running.size < jobsRunningMax) return undefined;
    const running = `${this.#running.size} backups and exports run already (at most ${jobsRunningMax})`;
    return refusal('too_many', `${running}; wait for one, or cancel it`);
  }

  /** Refuses `too_many`. `ended` resolves with the job as it ended; it never rejects. */
  start(work: Work): Outcome<{ readonly job: StorageJob; readonly ended: Promise<StorageJob> }, Refusal> {
    const hindrance = this.hindrance(work.kind);
    if (hindrance) return refused(hindrance);
    this.#lastId += 1;
    const jobId = this.#lastId;
    const { kind, actor, path } = work;
    const job: StorageJob = {
      jobId,
      kind,
      actor,
      path,
      state: 'running',
      startedAtMs: this.#clock(),
      done: 0,
      total: 0,
    };
    this.#jobs.set(jobId, job);
    this.#log('info', `${kind} started`, { jobId, actor, path });
    const aborter = new AbortController();
    const ended = this.#run(jobId, work, aborter.signal);
    this.#running.set(jobId, { aborter, ended });
    return accepted({ job, ended });
  }

  /** Refuses `wrong_state` where there is no such job, or it has ended. It ends some moments later. */
  cancel(jobId: number, actor: string): Outcome<StorageJob, Refusal> {
    const job = this.#jobs.get(jobId);
    if (job === undefined)
      return refused(
        refusal('wrong_state', `there is no job ${jobId} since the host started`, { field: 'jobId' }),
      );
    const running = this.#running.get(jobId);
    if (running === undefined)
      return refused(
        refusal('wrong_state', `job ${jobId} has ended already (${job.state})`, { field: 'jobId' }),
      );
    this.#log('info', `${job.kind} is being cancelled`, { jobId, actor });
    running.aborter.abort();
    return accepted(job);
  }

  /** Ends what runs; what it made goes with it. */
  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { aborter } of this.#running.values()) aborter.abort();
    await Promise.all([...this.#running.values()].map(({ ended }) => ended));
  }

  async #run(jobId: number, { run }: Work, signal: AbortSignal): Promise<StorageJob> {
    const progress = (done: number, total: number): void => {
      this.#change(jobId, { done, total });
    };
    try {
      // Not in the caller's turn: it is answered first.
      await Promise.resolve();
      const bytes = await run(progress, signal);
      return this.#end(jobId, { state: 'done', bytes });
    } catch (error) {
      if (signal.aborted) return this.#end(jobId, { state: 'cancelled' });
      return this.#end(jobId, { state: 'failed', message: wordsOf(error) });
    }
  }

  #end(jobId: number, end: Pick<StorageJob, 'state' | 'bytes' | 'message'>): StorageJob {
    this.#running.delete(jobId);
    const job = this.#change(jobId, { ...end, endedAtMs: this.#clock() });
    const { kind, state, message = '', path = '', bytes = 0 } = job;
    this.#log(state === 'failed' ? 'warn' : 'info', `${kind} ${state}`, { jobId, path, bytes, message });
    for (const oldest of this.#jobs.keys()) {
      if (this.#jobs.size - this.#running.size <= jobsListedMax) break;
      if (!this.#running.has(oldest)) this.#jobs.delete(oldest);
    }
    return job;
  }

  #change(jobId: number, change: Partial<StorageJob>): StorageJob {
    const before = this.#jobs.get(jobId);
    if (before === undefined) throw new Error(`job ${jobId} is not listed`);
    const { path, ...rest } = { ...before, ...change };
    const isKept = rest.state === 'running' || rest.state === 'done';
    const job: StorageJob = { ...rest, ...(isKept && path !== undefined && { path }) };
    this.#jobs.set(jobId, job);
    return job;
  }
}

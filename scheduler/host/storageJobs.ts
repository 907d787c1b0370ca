// Long work on stores and on many tasks: few at a time, with progress, ended by a person, listed until the host ends.
import type { Ms } from '../protocol/brands.ts';
import { jobsListedMax, jobsRunningMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { type BulkAct, bulkActs, type StorageJob } from '../protocol/storage.ts';
import type { BulkWork } from '../console/ports.ts';
import type { Log } from '../observe/log.ts';
import { wordsOf } from './storageFolder.ts';

const anotherAct = refusal(
  'too_many',
  'another requeue or cancel of many tasks is under way; wait for it, or cancel it',
);
const isBulk = (kind: StorageJob['kind']): kind is BulkAct => bulkActs.some((act) => act === kind);

export interface Work {
  readonly kind: Exclude<StorageJob['kind'], BulkAct>;
  readonly actor: string;
  /** What is being made: no two jobs at a time make the same. */
  readonly path: string;
  /** Resolves with the bytes made. Rejects where it failed or was cancelled; nothing of it is left then. */
  readonly run: (progress: (done: number, total: number) => void, signal: AbortSignal) => Promise<number>;
}

type Change = Partial<Pick<StorageJob, 'done' | 'total' | 'bulk' | 'bytes'>>;
/** Any work: `change` shows how far it is, and what it resolves with is kept, too. */
interface AnyWork {
  readonly kind: StorageJob['kind'];
  readonly actor: string;
  readonly path?: string;
  readonly run: (change: (change: Change) => void, signal: AbortSignal) => Promise<Change>;
}
type StartedJob = Outcome<{ readonly job: StorageJob; readonly ended: Promise<StorageJob> }, Refusal>;

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
    const acts = bulkActs.filter((act) => this.isRunning(act));
    if (isBulk(kind)) return acts.length > 0 ? anotherAct : undefined;
    const copies = this.#running.size - acts.length;
    if (copies < jobsRunningMax) return undefined;
    const running = `${copies} backups and exports run already (at most ${jobsRunningMax})`;
    return refusal('too_many', `${running}; wait for one, or cancel it`);
  }

  /** Refuses `too_many`. `ended` resolves with the job as it ended; it never rejects. */
  start({ kind, actor, path, run }: Work): StartedJob {
    return this.#start({
      ...{ kind, actor, path },
      run: async (change, signal) => {
        const bytes = await run((done, total) => {
          change({ done, total });
        }, signal);
        return { bytes };
      },
    });
  }

  /** As `start`, for an act on many tasks: one at a time. */
  startBulk({ kind, actor, run }: BulkWork): StartedJob {
    return this.#start({
      ...{ kind, actor },
      run: async (change, signal) => {
        await run(change, signal);
        return {};
      },
    });
  }

  #start(work: AnyWork): StartedJob {
    const hindrance = this.hindrance(work.kind);
    if (hindrance) return refused(hindrance);
    this.#lastId += 1;
    const jobId = this.#lastId;
    const { kind, actor, path } = work;
    const job: StorageJob = {
      jobId,
      kind,
      actor,
      ...(path !== undefined && { path }),
      state: 'running',
      startedAtMs: this.#clock(),
      done: 0,
      total: 0,
    };
    this.#jobs.set(jobId, job);
    this.#log('info', `${kind} started`, { jobId, actor, ...(path !== undefined && { path }) });
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

  async #run(jobId: number, { run }: AnyWork, signal: AbortSignal): Promise<StorageJob> {
    const change = (made: Change): void => {
      this.#change(jobId, made);
    };
    try {
      // Not in the caller's turn: it is answered first.
      await Promise.resolve();
      return this.#end(jobId, { state: 'done', ...(await run(change, signal)) });
    } catch (error) {
      if (signal.aborted) return this.#end(jobId, { state: 'cancelled' });
      return this.#end(jobId, { state: 'failed', message: wordsOf(error) });
    }
  }

  #end(jobId: number, end: Pick<StorageJob, 'state' | 'message'> & Change): StorageJob {
    this.#running.delete(jobId);
    const job = this.#change(jobId, { ...end, endedAtMs: this.#clock() });
    const { kind, state, message = '', path = '', bytes = 0, bulk } = job;
    const skipped = bulk?.skipped.reduce((sum, { tasks }) => sum + tasks, 0) ?? 0;
    const made = bulk ? { changed: bulk.changed, skipped } : { path, bytes };
    this.#log(state === 'failed' ? 'warn' : 'info', `${kind} ${state}`, { jobId, ...made, message });
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

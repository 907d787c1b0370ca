// Jobs of the hub as a command follows them: told of while they go on, ended with Ctrl-C, and what came of them.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import type { Call } from './client.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import { withInterrupt } from './interrupt.ts';
import { clean, type Tools } from './tools.ts';

export type Job = InferOutput<typeof answerSchemas.StorageJob>;
type Tally = NonNullable<Job['bulk']>;
const askEveryMs = 250;
const sayEveryMs = 2_000;
export const readStorage: Call = { method: 'GET', path: '/storage' };

/** Until the job has ended. With Ctrl-C it is cancelled, and then waited for. */
export async function followJob(start: Call, tools: Tools): Promise<number> {
  const { jobId } = await tools.client.ask(answerSchemas.StorageJob, start);
  return withInterrupt(async (signal) => {
    let isCancelled = false;
    let saidAtMs = Date.now();
    for (;;) {
      const job = await jobOf(jobId, tools);
      if (job.state !== 'running') return endOf(job, tools);
      if (signal.aborted && !isCancelled) {
        isCancelled = true;
        await cancel(jobId, tools);
      }
      if (Date.now() - saidAtMs >= sayEveryMs) {
        saidAtMs = Date.now();
        tools.say(`${progressOf(job)}; Ctrl-C cancels\n`);
      }
      await pause(askEveryMs, signal);
    }
  });
}

async function jobOf(jobId: number, { client }: Tools): Promise<Job> {
  const { jobs } = await client.ask(answerSchemas.StorageState, readStorage);
  const job = jobs.find((one) => one.jobId === jobId);
  if (job) return job;
  throw new CommandFailed(
    exitCodes.hubFailed,
    `the hub knows nothing of job ${jobId} any more: was it restarted?`,
  );
}

async function cancel(jobId: number, { client }: Tools): Promise<void> {
  try {
    await client.ask(answerSchemas.StorageJob, { method: 'POST', path: `/storage/jobs/${jobId}/cancel` });
  } catch (error) {
    // It has ended meanwhile: how, the next look tells.
    if (!(error instanceof CommandFailed && error.problem?.code === 'wrong_state')) throw error;
  }
}

function endOf(job: Job, { out, say, isJson }: Tools): number {
  const { state, kind, path = '', bytes = 0, message = '', bulk } = job;
  if (isJson) out(`${JSON.stringify(job)}\n`);
  else if (bulk) sayTally(job, bulk, { out, say });
  else if (state === 'done') {
    out(`${clean(path)}\n`);
    say(`${kind} done: ${mebibytes(bytes)}\n`);
  } else say(`${kind} ${state}${message === '' ? '' : `: ${clean(message)}`}\n`);
  if (state === 'done') return bulk && bulk.skipped.length > 0 ? exitCodes.failed : exitCodes.ok;
  return state === 'cancelled' ? exitCodes.interrupted : exitCodes.failed;
}

const progressOf = ({ kind, done, total }: Job): string => {
  const unit = { backup: 'pages', export: 'rows', requeue: 'tasks', cancel: 'tasks' }[kind];
  return total === 0 ? `${kind}: ${done} ${unit}` : `${kind}: ${done} of ${total} ${unit}`;
};

const doneWords = { requeue: 'requeued', cancel: 'cancelled' } as const;
const skipWords: Readonly<Record<Tally['skipped'][number]['reason'], string>> = {
  changed: 'changed meanwhile',
  grouped: 'only with their group',
  gone: 'no longer stored',
  no_room: 'no room',
  refused: 'refused',
};

/** `requeued 12400, skipped 31 (30 changed meanwhile, 1 no longer stored)` */
function tallyInWords({ kind, total }: Job, { changed, skipped }: Tally): string {
  const sum = skipped.reduce((tasks, skip) => tasks + skip.tasks, 0);
  const why = skipped.map(({ reason, tasks }) => `${tasks} ${skipWords[reason]}`).join(', ');
  const done = `${doneWords[kind === 'cancel' ? 'cancel' : 'requeue']} ${changed}`;
  const left = total - changed - sum;
  return `${done}${sum > 0 ? `, skipped ${sum} (${why})` : ''}${left > 0 ? `, ${left} not reached` : ''}`;
}

function sayTally(job: Job, bulk: Tally, { out, say }: Pick<Tools, 'out' | 'say'>): void {
  out(`${tallyInWords(job, bulk)}\n`);
  for (const { message } of bulk.skipped) say(`for example: ${clean(message)}\n`);
  if (job.state !== 'done') say(`${job.kind} ${job.state}: ${clean(job.message ?? 'what was done stays')}\n`);
  if (bulk.canBeCancelled) say(`to cancel these again: millrace tasks cancel --of-job ${job.jobId}\n`);
}

/** Where a job put what it made, or in words what came of it. */
export const wherePut = (job: Job): string =>
  job.path ?? job.message ?? (job.bulk ? tallyInWords(job, job.bulk) : '');

export const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

/** Shorter where somebody presses Ctrl-C. */
function pause(pauseMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, pauseMs);
    signal.addEventListener('abort', end);
  });
}

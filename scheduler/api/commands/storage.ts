// millrace storage, backup, export: what is stored, and copies of it, made by the hub while it works.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import type { Call } from './client.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import { filterOf, filterOptions } from './filterOptions.ts';
import { withInterrupt } from './interrupt.ts';
import { clean, table, timeOf, type Tools } from './tools.ts';

type Job = InferOutput<typeof answerSchemas.StorageJob>;
type State = InferOutput<typeof answerSchemas.StorageState>;
const askEveryMs = 250;
const sayEveryMs = 2_000;
const folderOption = {
  type: 'string',
  value: 'DIR',
  about: 'absolute path on the machine of the hub',
} as const;

export const storage: Command = {
  form: '',
  about: 'Says how much is stored, what is kept, and when backups are made.',
  options: {},
  run: async ({ words }, { client, out, isJson }) => {
    if (words.length > 0) throw wrongUsage('storage takes no words');
    const state = await client.ask(answerSchemas.StorageState, readStorage);
    out(isJson ? `${JSON.stringify(state)}\n` : inWords(state));
    return exitCodes.ok;
  },
};

export const backup: Command = {
  form: '[--folder DIR]',
  about: 'Makes a backup while the hub works. Ctrl-C cancels it. See also: backup verify, restore.',
  options: { folder: { ...folderOption, about: `${folderOption.about} (default: that of the backup plan)` } },
  run: (given, tools) => {
    noWords(given);
    const body = JSON.stringify({ folder: given.text('folder') });
    return followJob({ method: 'POST', path: '/storage/backups', body }, tools);
  },
};

export const exportTasks: Command = {
  form: '--format csv|ndjson|parquet [options]',
  about: 'Writes the ended tasks that match into a file. Ctrl-C cancels it.',
  options: {
    format: { type: 'string', value: 'NAME', about: 'csv, ndjson or parquet' },
    folder: { ...folderOption, about: `${folderOption.about} (default: exports in the data folder)` },
    ...filterOptions,
  },
  run: (given, tools) => {
    noWords(given);
    const format = given.text('format');
    if (format === undefined) throw wrongUsage('give --format: csv, ndjson or parquet');
    const body = JSON.stringify({ format, folder: given.text('folder'), filter: filterOf(given) });
    return followJob({ method: 'POST', path: '/storage/exports', body }, tools);
  },
};

const readStorage: Call = { method: 'GET', path: '/storage' };

function noWords({ words }: Given): void {
  if (words.length > 0) throw wrongUsage(`${words.join(' ')}: name the folder with --folder`);
}

/** Until the job has ended. With Ctrl-C it is cancelled, and then waited for. */
async function followJob(start: Call, tools: Tools): Promise<number> {
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
  const { state, kind, path = '', bytes = 0, message = '' } = job;
  if (isJson) out(`${JSON.stringify(job)}\n`);
  else if (state === 'done') {
    out(`${clean(path)}\n`);
    say(`${kind} done: ${mebibytes(bytes)}\n`);
  } else say(`${kind} ${state}${message === '' ? '' : `: ${clean(message)}`}\n`);
  if (state === 'done') return exitCodes.ok;
  return state === 'cancelled' ? exitCodes.interrupted : exitCodes.failed;
}

const progressOf = ({ kind, done, total }: Job): string => {
  const unit = kind === 'backup' ? 'pages' : 'rows';
  return total === 0 ? `${kind}: ${done} ${unit}` : `${kind}: ${done} of ${total} ${unit}`;
};

function inWords(state: State): string {
  const { journal, history, retention, backup: plan, jobs } = state;
  const oldest = history.oldestEndedAtMs === undefined ? '' : `, since ${timeOf(history.oldestEndedAtMs)}`;
  const bounds = [
    `${retention.tasksMax} tasks`,
    ...(retention.daysMax === undefined ? [] : [`${retention.daysMax} days`]),
    ...(retention.historyBytesMax === undefined ? [] : [mebibytes(retention.historyBytesMax)]),
    `${mebibytes(retention.logBytesMax)} of output`,
  ];
  const facts = [
    ['folder', `${clean(state.dataFolder)}, ${mebibytes(state.freeBytes)} free`],
    ['journal', `${mebibytes(journal.bytes)}; a start replays ${mebibytes(journal.replayBytes)}`],
    ['history', `${mebibytes(history.bytes)}: ${history.tasks} ended tasks${oldest}`],
    ['output', mebibytes(history.logBytes)],
    ['keeps', `at most ${bounds.join(', ')}`],
    ['backups', planInWords(plan)],
  ];
  const told = facts.map(([name = '', fact = '']) => `${name.padEnd(8)} ${fact}\n`).join('');
  if (jobs.length === 0) return told;
  const rows = jobs.map((job) => [
    job.jobId,
    job.kind,
    job.state,
    timeOf(job.startedAtMs),
    job.state === 'running' ? `${job.done}/${job.total}` : mebibytes(job.bytes ?? 0),
    job.path ?? job.message ?? '',
  ]);
  return `${told}\n${table(['JOB', 'KIND', 'STATE', 'STARTED', 'SIZE', 'WHERE'], rows)}`;
}

function planInWords({ folder, everyHours, keep, lastAtMs, nextAtMs }: State['backup']): string {
  if (folder === undefined) return 'none are made by themselves';
  const times = `last ${timeOf(lastAtMs)}, next ${timeOf(nextAtMs)}`;
  return `each ${everyHours} h into ${clean(folder)}, ${keep} are kept; ${times}`;
}

const mebibytes = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

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

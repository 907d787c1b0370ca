// millrace storage, backup, export: what is stored, and copies of it, made by the hub while it works.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { filterOf, filterOptions } from './filterOptions.ts';
import { followJob, mebibytes, readStorage, wherePut } from './jobs.ts';
import { clean, table, timeOf } from './tools.ts';

type State = InferOutput<typeof answerSchemas.StorageState>;
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

function noWords({ words }: Given): void {
  if (words.length > 0) throw wrongUsage(`${words.join(' ')}: name the folder with --folder`);
}

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
    job.state === 'running' || job.bulk ? `${job.done}/${job.total}` : mebibytes(job.bytes ?? 0),
    wherePut(job),
  ]);
  return `${told}\n${table(['JOB', 'KIND', 'STATE', 'STARTED', 'SIZE', 'WHERE'], rows)}`;
}

function planInWords({ folder, everyHours, keep, lastAtMs, nextAtMs }: State['backup']): string {
  if (folder === undefined) return 'none are made by themselves';
  const times = `last ${timeOf(lastAtMs)}, next ${timeOf(nextAtMs)}`;
  return `each ${everyHours} h into ${clean(folder)}, ${keep} are kept; ${times}`;
}

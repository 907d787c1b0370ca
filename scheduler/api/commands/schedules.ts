// millrace schedules, put-schedule, remove-schedule, run-schedule, preview-schedule: tasks by the clock.
import { readFile } from 'node:fs/promises';
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, type Options, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { removal } from './removal.ts';
import { specOf, specOptions } from './specOptions.ts';
import { printRows, shown, table, timeOf, type Tools } from './tools.ts';

type Standing = InferOutput<typeof answerSchemas.ScheduleStanding>;
const pageRows = 200;
const pathOf = (name: string): string => `/schedules/${encodeURIComponent(name)}`;
const text = (value: string, about: string) => ({ type: 'string', value, about }) as const;

export const schedules: Command = {
  form: '[NAME]',
  about: 'Lists schedules with their next due time and last task, or shows one.',
  options: { text: text('TEXT', 'part of the name') },
  run: async (given, tools) => {
    const isOne = given.words.length > 0;
    const rows = isOne ? [await read(onlyWord(given, 'schedule'), tools)] : await readAll(given, tools);
    if (isOne && !tools.isJson) tools.out(`${JSON.stringify(rows[0], undefined, 2)}\n`);
    else printRows(tools, rows, ['SCHEDULE', 'DUE', 'ZONE', 'NEXT', 'LAST', 'RAN', 'SKIPPED'], cellsOf);
    return exitCodes.ok;
  },
};

const read = (name: string, { client }: Tools): Promise<Standing> =>
  client.ask(answerSchemas.ScheduleStanding, { method: 'GET', path: pathOf(name) });

async function readAll(given: Given, { client }: Tools): Promise<readonly Standing[]> {
  const rows: Standing[] = [];
  for (;;) {
    const query = { text: given.text('text'), offset: rows.length, limit: pageRows };
    const page = await client.ask(answerSchemas.SchedulePage, { method: 'GET', path: '/schedules', query });
    rows.push(...page.rows);
    if (rows.length >= page.total || page.rows.length === 0) return rows;
  }
}

const cellsOf = ({ scheduleId, spec, ...row }: Standing): (string | number)[] => [
  scheduleId,
  spec.cron ?? `each ${(spec.everyMs ?? 0) / 1_000} s`,
  spec.timeZone,
  spec.isPaused ? 'paused' : timeOf(row.nextDueMs),
  row.lastTaskId === undefined ? '-' : `${shown(row.lastTaskId)} ${row.lastState ?? ''}`.trimEnd(),
  row.fired,
  row.lastSkip ? `${row.skipped} (${row.lastSkip.reason})` : row.skipped,
];

const timingOptions: Options = {
  cron: text('TEXT', 'five fields, or six with seconds: "30 6 * * 1-5"'),
  every: text('TIME', 'instead of --cron: each 90s, 5m, 2h or 1d'),
  zone: text('NAME', 'time zone, like Europe/Berlin (default UTC)'),
  calendar: text('NAME', 'not on the dates of this calendar'),
  'only-on': text('NAME', 'only on the dates of this calendar'),
  start: text('DATE', 'none before, like 2026-12-01T06:00Z'),
  end: text('DATE', 'none at it or after'),
};
/** Runs are tasks of their own: no key. */
const taskOptions: Options = Object.fromEntries(
  Object.entries(specOptions).filter(([name]) => name !== 'key'),
);

export const putSchedule: Command = {
  form: 'NAME --cron TEXT [options] -- PROGRAM [ARG...]   |   NAME --file SCHEDULE.json   |   NAME --pause',
  about: 'Makes a schedule or puts another in its place; pauses or resumes one.',
  options: {
    ...timingOptions,
    misfire: text('skip|once|all', 'what was missed while the hub was away (default once)'),
    'misfire-max': text('N', 'with --misfire all: the newest so many run'),
    overlap: text('allow|skip|replace', 'while the last one still runs (default allow)'),
    file: text('PATH', 'the schedule as JSON'),
    pause: { type: 'boolean', about: 'leaves it as it is, but not due' },
    resume: { type: 'boolean', about: 'due again, from now on' },
    ...taskOptions,
  },
  run: async (given, tools) => {
    const [name, ...program] = given.words;
    if (name === undefined) throw wrongUsage('name the schedule');
    const spec = await specFor(name, given, program, tools);
    const call = { method: 'PUT', path: pathOf(name), body: JSON.stringify(spec) } as const;
    const put = await tools.client.ask(answerSchemas.ScheduleStanding, call);
    const said = put.spec.isPaused ? 'is paused' : `is next due ${timeOf(put.nextDueMs)}`;
    tools.out(tools.isJson ? `${JSON.stringify(put)}\n` : `${name} ${said}\n`);
    return exitCodes.ok;
  },
};

async function specFor(
  name: string,
  given: Given,
  program: readonly string[],
  tools: Tools,
): Promise<unknown> {
  if (given.flag('pause') || given.flag('resume')) {
    if (given.flag('pause') && given.flag('resume')) throw wrongUsage('--pause or --resume, not both');
    return { ...(await read(name, tools)).spec, isPaused: given.flag('pause') };
  }
  const file = given.text('file');
  if (file !== undefined) return jsonIn(file);
  return {
    ...timingOf(given),
    task: specOf(given.withWords(program)),
    misfire: given.text('misfire'),
    misfireMax: given.number('misfire-max'),
    overlap: given.text('overlap'),
  };
}

async function jsonIn(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as unknown;
  } catch (error) {
    throw wrongUsage(`--file ${file} cannot be read: ${error instanceof Error ? error.message : ''}`);
  }
}

function timingOf(given: Given): Readonly<Record<string, unknown>> {
  const skip = given.text('calendar');
  const only = given.text('only-on');
  if (skip !== undefined && only !== undefined) throw wrongUsage('--calendar or --only-on, not both');
  const calendar = skip ?? only;
  return {
    cron: given.text('cron'),
    everyMs: given.durationMs('every'),
    timeZone: given.text('zone'),
    calendar:
      calendar === undefined ? undefined : { name: calendar, rule: only === undefined ? 'skip' : 'only' },
    startMs: timeIn(given, 'start'),
    endMs: timeIn(given, 'end'),
  };
}

function timeIn(given: Given, name: string): number | undefined {
  const written = given.text(name);
  if (written === undefined) return undefined;
  const atMs = Date.parse(written);
  if (Number.isFinite(atMs)) return atMs;
  throw wrongUsage(`--${name} ${written}: it is a time like 2026-12-01T06:00Z`);
}

export const previewSchedule: Command = {
  form: 'NAME   |   --cron TEXT [--zone NAME]',
  about: 'Shows the next due times of a schedule, or of a rhythm that is not put yet.',
  options: { ...timingOptions, count: text('N', 'how many (default 5)') },
  run: async (given, tools) => {
    const timing =
      given.words.length > 0 ? await timingIn(onlyWord(given, 'schedule'), tools) : timingOf(given);
    const body = JSON.stringify({ ...timing, count: given.number('count') });
    const call = { method: 'POST', path: '/schedule-preview', body } as const;
    const { due } = await tools.client.ask(answerSchemas.SchedulePreview, call);
    if (tools.isJson) for (const one of due) tools.out(`${JSON.stringify(one)}\n`);
    else
      tools.out(
        table(
          ['DUE', 'UTC'],
          due.map(({ dueMs, local }) => [local, timeOf(dueMs)]),
        ),
      );
    return exitCodes.ok;
  },
};

async function timingIn(name: string, tools: Tools): Promise<Readonly<Record<string, unknown>>> {
  const { cron, everyMs, timeZone, calendar, startMs, endMs } = (await read(name, tools)).spec;
  return { cron, everyMs, timeZone, calendar, startMs, endMs };
}

export const removeSchedule = removal(
  'schedule',
  'Takes schedules away; tasks that they have brought stay.',
  'scheduleId',
);

export const runSchedule: Command = {
  form: 'NAME',
  about: 'Runs the task of a schedule once, now, and prints its id.',
  options: {},
  run: async (given, { client, out, isJson }) => {
    const path = `${pathOf(onlyWord(given, 'schedule'))}/run`;
    const answer = await client.ask(answerSchemas.TaskGiven, { method: 'POST', path });
    out(isJson ? `${JSON.stringify(answer)}\n` : `${shown(answer.taskId)}\n`);
    return exitCodes.ok;
  },
};

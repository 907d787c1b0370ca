// millrace calendars, put-calendar, remove-calendar: named sets of dates for schedules.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, onlyWord, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { removal } from './removal.ts';
import { printRows } from './tools.ts';

const pathOf = (name: string): string => `/calendars/${encodeURIComponent(name)}`;

export const calendars: Command = {
  form: '[NAME]',
  about: 'Lists calendars, or the dates of one.',
  options: {},
  run: async (given, tools) => {
    if (given.words.length > 0) {
      const path = pathOf(onlyWord(given, 'calendar'));
      const { dates } = await tools.client.ask(answerSchemas.CalendarDetail, { method: 'GET', path });
      for (const date of dates) tools.out(tools.isJson ? `${JSON.stringify(date)}\n` : `${date}\n`);
      return exitCodes.ok;
    }
    const listed = await tools.client.ask(answerSchemas.CalendarList, { method: 'GET', path: '/calendars' });
    printRows(tools, listed.calendars, ['CALENDAR', 'DATES', 'FROM', 'TO', 'SCHEDULES'], (row) => [
      row.calendar,
      row.dates,
      row.firstDate,
      row.lastDate,
      row.schedules,
    ]);
    return exitCodes.ok;
  },
};

export const putCalendar: Command = {
  form: 'NAME DATE...',
  about: 'Sets all dates of a calendar, like 2026-12-25.',
  options: {},
  run: async ({ words: [name, ...dates] }, { client, out, isJson }) => {
    if (name === undefined || dates.length === 0) throw wrongUsage('name the calendar and at least one date');
    const call = { method: 'PUT', path: pathOf(name), body: JSON.stringify({ dates }) } as const;
    const answer = await client.ask(answerSchemas.CalendarAnswer, call);
    out(isJson ? `${JSON.stringify(answer)}\n` : `${name} has ${dates.length} dates\n`);
    return exitCodes.ok;
  },
};

export const removeCalendar = removal('calendar', 'Takes a calendar away that no schedule names.');

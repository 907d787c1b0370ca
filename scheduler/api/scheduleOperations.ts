// Schedules and calendars over HTTP. Each asks the console by the method that windows use.
import * as v from 'valibot';
import { methodSchemas } from '../protocol/consoleWire.ts';
import { calendarDatesSchema, schedulePreviewSchema, scheduleSpecSchema } from '../protocol/schedule.ts';
import { jsonOf, ofBody, type Operation } from './operation.ts';
import * as examples from './scheduleExamples.ts';
import { removal } from './removal.ts';

const { listSchedules } = methodSchemas;
const datesSchema = v.strictObject({ dates: calendarDatesSchema });
const standing = { name: 'ScheduleStanding', status: 200, example: examples.schedule } as const;

export const scheduleOperations: readonly Operation[] = [
  {
    id: 'putCalendar',
    method: 'PUT',
    path: '/calendars/{calendar}',
    about: 'Sets all dates of a calendar. Schedules that name it go by them from now on.',
    body: { name: 'CalendarDates', schema: datesSchema, example: { dates: examples.dates } },
    answer: { name: 'CalendarAnswer', status: 200, example: { calendar: 'plant-holidays' } },
    refuses: ['too_many'],
    run: async ({ caller, path, body }) =>
      jsonOf(await caller.call('putCalendar', { ...objectOf(body), ...path })),
  },
  {
    id: 'listCalendars',
    method: 'GET',
    path: '/calendars',
    about: 'All calendars: how many dates each has, from when to when, and how many schedules name it.',
    answer: { name: 'CalendarList', status: 200, example: { calendars: [examples.calendar] } },
    refuses: [],
    run: async ({ caller }) => jsonOf(await caller.call('listCalendars', {})),
  },
  {
    id: 'getCalendar',
    method: 'GET',
    path: '/calendars/{calendar}',
    about: 'The dates of a calendar.',
    answer: {
      name: 'CalendarDetail',
      status: 200,
      example: { calendar: 'plant-holidays', dates: examples.dates },
    },
    refuses: ['unknown_calendar'],
    run: async ({ caller, path }) => jsonOf(await caller.call('getCalendar', path)),
  },
  {
    id: 'putSchedule',
    method: 'PUT',
    path: '/schedules/{scheduleId}',
    about:
      'Makes a schedule, or puts this one in its place: what the body leaves out has its default. It is due from ' +
      'now on; another rhythm or the end of a pause makes nothing up for.',
    body: { name: 'ScheduleSpec', schema: scheduleSpecSchema, example: examples.scheduleSpec },
    answer: standing,
    refuses: ['never_due', 'unknown_calendar', 'unknown_queue', 'class_limit', 'too_large'],
    run: async ({ caller, path, body }) =>
      jsonOf(ofBody(await caller.call('putSchedule', { spec: body, ...path }), 'spec')),
  },
  {
    id: 'listSchedules',
    method: 'GET',
    path: '/schedules',
    about: 'Schedules in the order in which they were made, with their next due time and their last task.',
    query: {
      text: { kind: 'text', schema: listSchedules.entries.text.wrapped, about: 'Part of the name' },
      offset: { kind: 'number', schema: listSchedules.entries.offset, about: 'Rows to skip' },
      limit: { kind: 'number', schema: listSchedules.entries.limit, about: 'Rows of a page' },
    },
    answer: { name: 'SchedulePage', status: 200, example: { rows: [examples.schedule], total: 1 } },
    refuses: [],
    run: async ({ caller, query }) => jsonOf(await caller.call('listSchedules', query)),
  },
  {
    id: 'getSchedule',
    method: 'GET',
    path: '/schedules/{scheduleId}',
    about: 'One schedule.',
    answer: standing,
    refuses: ['unknown_schedule'],
    run: async ({ caller, path }) => jsonOf(await caller.call('getSchedule', path)),
  },
  {
    id: 'runScheduleNow',
    method: 'POST',
    path: '/schedules/{scheduleId}/run',
    about: 'Runs its task once, now, paused or not. Its due times stay as they are.',
    answer: { name: 'TaskGiven', status: 200, example: { taskId: 42 } },
    refuses: ['unknown_schedule', 'wrong_state', 'unknown_queue', 'queue_full', 'class_limit'],
    run: async ({ caller, path }) => jsonOf(await caller.call('runScheduleNow', path)),
  },
  {
    id: 'previewSchedule',
    method: 'POST',
    path: '/schedule-preview',
    about: 'The next due times of a rhythm, with the offset from UTC that the time zone has then.',
    body: {
      name: 'ScheduleTiming',
      schema: schedulePreviewSchema,
      example: { cron: '30 6 * * 1-5', timeZone: 'Europe/Berlin', count: 3 },
    },
    answer: { name: 'SchedulePreview', status: 200, example: { due: [examples.due] } },
    refuses: ['never_due', 'unknown_calendar'],
    run: async ({ caller, body }) => jsonOf(await caller.call('previewSchedule', body)),
  },
  removal('removeSchedule', {
    path: '/schedules/{scheduleId}',
    about: 'Takes a schedule away. Tasks that it has brought stay.',
    refuses: ['unknown_schedule'],
  }),
  removal('removeCalendar', {
    path: '/calendars/{calendar}',
    about: 'Takes a calendar away that no schedule names.',
    refuses: ['unknown_calendar', 'wrong_state'],
  }),
];

const objectOf = (body: unknown): object =>
  typeof body === 'object' && body !== null ? body : { dates: body };

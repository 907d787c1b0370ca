// Methods of schedules and calendars.
import type { ScheduleRow, ScheduleStanding, ScheduleTiming } from '../protocol/schedule.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Execute, MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';
import { standingsOf } from './standing.ts';

type ScheduleMethod =
  | 'listSchedules'
  | 'getSchedule'
  | 'putSchedule'
  | 'removeSchedule'
  | 'runScheduleNow'
  | 'previewSchedule'
  | 'listCalendars'
  | 'getCalendar'
  | 'putCalendar'
  | 'removeCalendar';

export function scheduleMethods(ports: ConsolePorts, execute: Execute): Pick<MethodTable, ScheduleMethod> {
  const { view, schedules } = ports;
  return {
    listSchedules: async ({ text = '', offset, limit }) => {
      const found = view.scheduleIds().filter((id) => id.toLowerCase().includes(text.toLowerCase()));
      const rows = found.slice(offset, offset + limit).flatMap((id) => view.schedule(id) ?? []);
      return accepted({ rows: await standings(rows, ports), total: found.length });
    },
    getSchedule: ({ scheduleId }) => standingOf(scheduleId, ports),
    putSchedule: async ({ scheduleId, spec }, { actor }) => {
      const reason = whyNot(spec, ports);
      if (reason) return refused(withPrefix(reason, 'spec'));
      await schedules.settle();
      const atMs = schedules.wallMs();
      const put = await ports.execute({ kind: 'PutSchedule', scheduleId, spec, atMs, actor });
      return put.ok ? standingOf(scheduleId, ports) : refused(withPrefix(put.reason, 'spec'));
    },
    removeSchedule: ({ scheduleId }, { actor }) =>
      execute({ kind: 'RemoveSchedule', scheduleId, actor }, { removed: true }),
    runScheduleNow: async ({ scheduleId }, { actor }) => {
      const ran = await ports.execute({ kind: 'RunSchedule', scheduleId, actor });
      if (!ran.ok) return ran;
      const [answer] = ran.value.answers ?? [];
      if (answer?.ok !== true) throw new Error('the engine took a run and gave no task');
      return accepted({ taskId: answer.taskId });
    },
    previewSchedule: ({ count, ...timing }) => {
      const reason = whyNot(timing, ports);
      return reason ? refused(reason) : accepted({ due: schedules.preview(timing, count) });
    },
    listCalendars: () => accepted({ calendars: view.calendars() }),
    getCalendar: ({ calendar }) => {
      const dates = view.calendarDates(calendar);
      return dates
        ? accepted({ calendar, dates: [...dates] })
        : refused(unknownCalendar(calendar, 'calendar'));
    },
    putCalendar: async ({ calendar, dates }, { actor }) => {
      await schedules.settle();
      return execute({ kind: 'PutCalendar', calendar, dates, atMs: schedules.wallMs(), actor }, { calendar });
    },
    removeCalendar: ({ calendar }, { actor }) =>
      execute({ kind: 'RemoveCalendar', calendar, actor }, { removed: true }),
  };
}

async function standingOf(
  scheduleId: string,
  ports: ConsolePorts,
): Promise<Outcome<ScheduleStanding, Refusal>> {
  const row = ports.view.schedule(scheduleId);
  const [standing] = row ? await standings([row], ports) : [];
  if (standing) return accepted(standing);
  const said = `there is no schedule ${scheduleId}`;
  return refused(refusal('unknown_schedule', said, { field: 'scheduleId' }));
}

/** With what comes next, and how the last task stands. */
async function standings(
  rows: readonly ScheduleRow[],
  ports: ConsolePorts,
): Promise<readonly ScheduleStanding[]> {
  const tasks = await standingsOf(
    rows.flatMap(({ lastTaskId }) => lastTaskId ?? []),
    ports,
  );
  const states = new Map(tasks.map(({ taskId, state }) => [taskId, state]));
  return rows.map((row) => {
    const nextDueMs = ports.schedules.nextDueMs(row.scheduleId);
    const lastState = row.lastTaskId === undefined ? undefined : states.get(row.lastTaskId);
    return {
      ...row,
      ...(nextDueMs !== undefined && { nextDueMs }),
      ...(lastState !== undefined && { lastState }),
    };
  });
}

function whyNot(timing: ScheduleTiming, { view, schedules }: ConsolePorts): Refusal | undefined {
  const { calendar } = timing;
  if (calendar && !view.calendarDates(calendar.name)) return unknownCalendar(calendar.name, 'calendar.name');
  return schedules.check(timing);
}

const unknownCalendar = (calendar: string, field: string): Refusal =>
  refusal('unknown_calendar', `there is no calendar ${calendar}; put it first`, { field });

const withPrefix = (reason: Refusal, prefix: string): Refusal =>
  reason.field === undefined ? reason : { ...reason, field: `${prefix}.${reason.field}` };

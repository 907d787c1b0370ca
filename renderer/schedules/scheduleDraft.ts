// A schedule as somebody types it -> the spec that the host takes, and the field that a refusal is about.
import { decode } from '../../scheduler/protocol/decode.ts';
import { scheduleMisfiresDefault } from '../../scheduler/protocol/limits.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import {
  type calendarRules,
  type misfires,
  type overlaps,
  type ScheduleSpec,
  scheduleSpecSchema,
} from '../../scheduler/protocol/schedule.ts';
import { fieldTime, timeOfField, type Zone } from '../format/clock.ts';
import {
  changedSpec,
  type Draft,
  draftField,
  type DraftField,
  draftOf,
  emptyDraft,
  specOf,
} from '../tasks/draft.ts';

export interface ScheduleDraft {
  name: string;
  rhythm: 'cron' | 'every';
  cron: string;
  everyMs: number | undefined;
  timeZone: string;
  /** Empty: none. */
  calendar: string;
  rule: (typeof calendarRules)[number];
  /** As a date and time field holds it; empty: none. */
  start: string;
  end: string;
  misfire: (typeof misfires)[number];
  misfireMax: number | '';
  overlap: (typeof overlaps)[number];
  task: Draft;
}
/** Fields of the task have the names of its form. */
export type ScheduleField =
  Exclude<keyof ScheduleDraft, 'rhythm' | 'rule' | 'task'> | `task.${DraftField}` | 'other';

export const emptySchedule = (timeZone: string): ScheduleDraft => ({
  name: '',
  rhythm: 'cron',
  cron: '0 6 * * *',
  everyMs: 3_600_000,
  timeZone,
  calendar: '',
  rule: 'skip',
  start: '',
  end: '',
  misfire: 'once',
  misfireMax: scheduleMisfiresDefault,
  overlap: 'allow',
  task: emptyDraft(),
});

export function scheduleDraftOf(name: string, spec: ScheduleSpec, zone: Zone): ScheduleDraft {
  const empty = emptySchedule(spec.timeZone);
  return {
    name,
    rhythm: spec.cron === undefined ? 'every' : 'cron',
    cron: spec.cron ?? empty.cron,
    everyMs: spec.everyMs ?? empty.everyMs,
    timeZone: spec.timeZone,
    calendar: spec.calendar?.name ?? '',
    rule: spec.calendar?.rule ?? 'skip',
    start: fieldTime(spec.startMs, zone),
    end: fieldTime(spec.endMs, zone),
    misfire: spec.misfire,
    misfireMax: spec.misfireMax,
    overlap: spec.overlap,
    task: draftOf(spec.task),
  };
}

/** The rhythm alone, as a preview takes it. */
export function timingOf(draft: ScheduleDraft, zone: Zone, before?: ScheduleSpec) {
  const { calendar, rule, rhythm, cron, everyMs } = draft;
  const startMs = timeTyped(draft.start, zone, before?.startMs);
  const endMs = timeTyped(draft.end, zone, before?.endMs);
  return {
    ...(rhythm === 'cron' ? { cron: cron.trim() } : { everyMs: everyMs ?? 0 }),
    timeZone: draft.timeZone.trim(),
    ...(calendar === '' ? {} : { calendar: { name: calendar, rule } }),
    ...(startMs === undefined ? {} : { startMs }),
    ...(endMs === undefined ? {} : { endMs }),
  };
}
/** The field shows minutes: a time that was not touched keeps its seconds. */
const timeTyped = (text: string, zone: Zone, before: number | undefined): number | undefined =>
  before !== undefined && fieldTime(before, zone) === text ? before : timeOfField(text, zone);

/** Checked by the host's own schema. `before`: what it was, whose other fields stay. */
export function readSchedule(
  draft: ScheduleDraft,
  zone: Zone,
  before?: ScheduleSpec,
): Outcome<ScheduleSpec, Refusal> {
  const { misfire, misfireMax, overlap, task } = draft;
  const spec = {
    ...timingOf(draft, zone, before),
    task: before ? changedSpec(before.task, task) : specOf(task),
    misfire,
    misfireMax: misfire === 'all' ? misfireMax : (before?.misfireMax ?? scheduleMisfiresDefault),
    overlap,
    isPaused: before?.isPaused ?? false,
  };
  return decode(scheduleSpecSchema, spec, draft.name);
}

const fieldOfPath: readonly (readonly [prefix: string, field: ScheduleField])[] = [
  ['scheduleId', 'name'],
  ['cron', 'cron'],
  ['everyMs', 'everyMs'],
  ['timeZone', 'timeZone'],
  ['calendar', 'calendar'],
  ['startMs', 'start'],
  ['endMs', 'end'],
  ['misfireMax', 'misfireMax'],
  ['misfire', 'misfire'],
  ['overlap', 'overlap'],
];

/** Which field of the form a refusal names; rules over several fields name the first one in their message. */
export function scheduleField({ field = '', message }: Refusal): ScheduleField {
  const path = (field || (/\b(\w+)/.exec(message.replace(/^.*?: /, ''))?.[1] ?? '')).replace(/^spec\./, '');
  if (path.startsWith('task.'))
    return `task.${draftField({ code: 'bad_message', message, field: path.slice(5) })}`;
  return fieldOfPath.find(([prefix]) => path === prefix || path.startsWith(`${prefix}.`))?.[1] ?? 'other';
}

// Answers about schedules and calendars, as schemas.
import * as v from 'valibot';
import type { Results } from '../protocol/consoleWire.ts';
import {
  type CalendarRow,
  type ScheduleStanding,
  scheduleSpecSchema,
  skipReasons,
} from '../protocol/schedule.ts';
import { endStates, liveStates } from '../protocol/task.ts';
import { amount, answerOf, count } from './answerOf.ts';

const standing = answerOf<ScheduleStanding>()(
  v.object({
    scheduleId: v.string(),
    spec: scheduleSpecSchema,
    lastDueMs: amount,
    lastRunAtMs: v.exactOptional(amount),
    lastTaskId: v.exactOptional(count),
    isLastLive: v.boolean(),
    fired: count,
    skipped: count,
    lastSkip: v.exactOptional(
      v.object({
        dueMs: amount,
        count,
        reason: v.picklist(skipReasons),
        message: v.exactOptional(v.string()),
      }),
    ),
    nextDueMs: v.exactOptional(amount),
    lastState: v.exactOptional(v.picklist([...liveStates, ...endStates, 'unknown'])),
  }),
);
const calendar = answerOf<CalendarRow>()(
  v.object({
    calendar: v.string(),
    dates: count,
    firstDate: v.string(),
    lastDate: v.string(),
    schedules: count,
  }),
);
const due = v.object({ dueMs: amount, local: v.string() });

export const scheduleAnswers = {
  ScheduleSpec: scheduleSpecSchema,
  ScheduleStanding: standing,
  SchedulePage: v.object({ rows: v.array(standing), total: count }),
  SchedulePreview: answerOf<Results['previewSchedule']>()(v.object({ due: v.array(due) })),
  CalendarRow: calendar,
  CalendarList: v.object({ calendars: v.array(calendar) }),
  CalendarDetail: v.object({ calendar: v.string(), dates: v.array(v.string()) }),
  CalendarAnswer: v.object({ calendar: v.string() }),
  Removed: v.object({ removed: v.literal(true) }),
} as const;

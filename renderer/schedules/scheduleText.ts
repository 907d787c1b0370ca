// What a schedule says of itself in words, the same in the table and in the detail pane.
import { untilText } from './dueText.ts';
import { exactTime, shortTime, type Zone } from '../format/clock.ts';
import { formatCount } from '../format/quantity.ts';
import type { Translate } from '../i18n/i18n.ts';
import type { ColumnPlan } from '../kit/gridColumns.ts';
import { fittingUnit, timeUnits } from '../kit/units.ts';
import type { ScheduleStanding, ScheduleTiming } from '../../scheduler/protocol/schedule.ts';

const plans = [
  { id: 'name', widthMin: 150, rank: 0, width: 'minmax(150px, 1.4fr)' },
  { id: 'state', widthMin: 84, rank: 0, width: '84px' },
  { id: 'rhythm', widthMin: 130, rank: 2, width: 'minmax(130px, 1fr)' },
  { id: 'zone', widthMin: 110, rank: 4, width: 'minmax(110px, 1fr)' },
  { id: 'next', widthMin: 92, rank: 0, width: '92px' },
  { id: 'in', widthMin: 76, rank: 3, width: '76px', align: 'end' },
  { id: 'last', widthMin: 92, rank: 1, width: '92px' },
  { id: 'result', widthMin: 100, rank: 0, width: '100px' },
  { id: 'fired', widthMin: 60, rank: 5, width: '60px', align: 'end' },
  { id: 'skipped', widthMin: 60, rank: 1, width: '60px', align: 'end' },
] as const;

export const scheduleColumns = (t: Translate): readonly ColumnPlan[] =>
  plans.map((plan) => ({ ...plan, title: t(`schedule.column.${plan.id}`) }));

export function scheduleState({ spec, nextDueMs }: ScheduleStanding): 'paused' | 'over' | 'active' {
  if (spec.isPaused) return 'paused';
  return nextDueMs === undefined ? 'over' : 'active';
}

export function rhythmText(
  { cron, everyMs }: Pick<ScheduleTiming, 'cron' | 'everyMs'>,
  t: Translate,
): string {
  if (cron !== undefined) return cron;
  const unit = fittingUnit(everyMs ?? 0, timeUnits);
  const count = Number(((everyMs ?? 0) / unit.factor).toFixed(3));
  // As durations are written everywhere: the same in both languages, and in the singular.
  return t('schedule.every', { time: `${count} ${unit.id.charAt(0)}` });
}

/** How its last task stands; empty where none ran yet. */
export function resultWord({ lastState }: ScheduleStanding, t: Translate): string {
  if (lastState === undefined) return '';
  if (lastState === 'unknown') return t('schedule.resultUnknown');
  return lastState === 'backoff' ? t('schedule.resultRetry') : t(`task.state.${lastState}`);
}

type CellTexts = Readonly<Record<string, string | undefined>>;

export function scheduleCellTexts(row: ScheduleStanding, nowMs: number, zone: Zone, t: Translate): CellTexts {
  const { spec, nextDueMs, lastRunAtMs } = row;
  const time = (atMs: number | undefined) => (atMs === undefined ? '–' : shortTime(atMs, nowMs, zone));
  return {
    name: row.scheduleId,
    state: t(`schedule.state.${scheduleState(row)}`),
    rhythm: rhythmText(spec, t),
    zone: spec.timeZone,
    next: time(nextDueMs),
    in: nextDueMs === undefined ? '–' : untilText(nextDueMs, nowMs),
    last: time(lastRunAtMs),
    result: resultWord(row, t) || '–',
    fired: formatCount(row.fired),
    skipped: formatCount(row.skipped),
  };
}

export function scheduleCellTitles(
  { nextDueMs, lastRunAtMs, lastSkip }: ScheduleStanding,
  zone: Zone,
): CellTexts {
  const time = (atMs: number | undefined) => (atMs === undefined ? undefined : exactTime(atMs, zone));
  return { next: time(nextDueMs), last: time(lastRunAtMs), skipped: time(lastSkip?.dueMs) };
}

// The dates of a calendar as somebody types them: one a line, or set apart by spaces or commas.
import { decode } from '../../scheduler/protocol/decode.ts';
import { calendarDatesSchema } from '../../scheduler/protocol/schedule.ts';
import type { Translate } from '../i18n/i18n.ts';

export interface ReadDates {
  /** Each once, oldest first; absent where something is wrong. */
  readonly dates?: readonly string[];
  readonly problem?: string;
}

/** A problem names the text that is no date. */
export function readDates(text: string, t: Translate): ReadDates {
  const typed = text.split(/[\s,;]+/).filter((part) => part !== '');
  const checked = decode(calendarDatesSchema, typed, t('calendar.dates'));
  if (checked.ok) return { dates: checked.value };
  const { field = '', message } = checked.reason;
  const plain = message.replace(/^.*?: (field \S+: )?/, '');
  const wrong = typed[Number(field)];
  return { problem: field === '' || wrong === undefined ? plain : `${wrong.slice(0, 40)} ${plain}` };
}

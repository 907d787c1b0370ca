// What an alarm says, in the reader's language.
import { useI18n } from 'vue-i18n';
import type { AnyAlarm } from './order.ts';

/** Parameters that a message may name; absent ones read as a dash rather than as a hole. */
const known = [
  'reason',
  'seconds',
  'detail',
  'since',
  'count',
  'tasks',
  'ageS',
  'limitS',
  'waiting',
  'slow',
  'slowestMs',
  'limitMs',
  'folder',
  'freeMiB',
  'limitMiB',
];

/** Many nodes at once are one alarm, with words of its own. */
function textOf({ code, params }: AnyAlarm): string {
  return code === 'NODE_LOST' && Number(params['count']) > 1 ? 'NODE_LOST_MANY' : code;
}

export function useAlarmText(): (alarm: AnyAlarm) => string {
  const { t } = useI18n();
  return (alarm) => {
    const blank = Object.fromEntries(known.map((name) => [name, '–']));
    const text = t(`alarm.text.${textOf(alarm)}`, { ...blank, source: alarm.source, ...alarm.params });
    const detail = alarm.params['message'];
    return detail === undefined ? text : `${text} ${detail}`;
  };
}

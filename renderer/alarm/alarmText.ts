// What an alarm says, in the reader's language.
import { useI18n } from 'vue-i18n';
import { plainText } from '../format/plainText.ts';
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

/** Messages of agents and folders of others are among them. */
export const harmlessParams = (params: AnyAlarm['params']): Record<string, string | number> =>
  Object.fromEntries(
    Object.entries(params).map(([name, value]) => [
      name,
      typeof value === 'string' ? plainText(value) : value,
    ]),
  );

export function useAlarmText(): (alarm: AnyAlarm) => string {
  const { t } = useI18n();
  return (alarm) => {
    const blank = Object.fromEntries(known.map((name) => [name, '–']));
    const params = harmlessParams(alarm.params);
    const text = t(`alarm.text.${textOf(alarm)}`, { ...blank, source: plainText(alarm.source), ...params });
    const detail = params['message'];
    return detail === undefined ? text : `${text} ${detail}`;
  };
}

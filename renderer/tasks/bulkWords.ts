// What an act on all tasks that match says of itself: what it goes by, how far it is, and what came of it.
import type { BulkAct, BulkTally, StorageJob } from '../../scheduler/protocol/storage.ts';
import type { TaskState } from '../../scheduler/protocol/task.ts';
import { formatTaskId, taskId } from '../../scheduler/protocol/brands.ts';
import { exactTime, type Zone } from '../format/clock.ts';
import { formatCount } from '../format/quantity.ts';
import type { Translate } from '../i18n/i18n.ts';
import { type FilterChoice, stateChips } from './taskFilter.ts';

/** Hitting more tasks than this asks for their number to be typed: as many as one sees in a list without scrolling. */
export const typedAbove = 20;

/** What can be put back, of what the filter names. Without named states: those that failed. */
export const requeueable = ['dead_letter', 'cancelled'] as const satisfies readonly TaskState[];
export type Requeueable = (typeof requeueable)[number];

const statesOf = ({ states }: FilterChoice): readonly TaskState[] =>
  states.flatMap((chip) => [...stateChips[chip]]);

/** Those of the choice that the act is about; undefined where it names no states at all. */
export function requeueStatesOf(choice: FilterChoice): readonly Requeueable[] | undefined {
  if (choice.states.length === 0) return undefined;
  const named = statesOf(choice);
  return requeueable.filter((state) => named.includes(state));
}

/** What an operator most likely means: a filter of live tasks means a cancel. */
export function likelyAct(choice: FilterChoice): BulkAct {
  const states = requeueStatesOf(choice);
  return states === undefined || states.length > 0 ? 'requeue' : 'cancel';
}

/** The filter in words, part by part. Empty: every task. */
export function filterWords(choice: FilterChoice, zone: Zone, t: Translate): readonly string[] {
  const { window, from, to } = choice;
  const times =
    window === 'custom'
      ? [
          ...(from === undefined ? [] : [`${t('filter.from')} ${exactTime(from, zone)}`]),
          ...(to === undefined ? [] : [`${t('filter.to')} ${exactTime(to, zone)}`]),
        ]
      : window === 'all'
        ? []
        : [`${t('filter.window')}: ${t(`filter.since.${window}`)}`];
  const named = (key: string, text: string) => (text === '' ? [] : [`${t(`filter.${key}`)}: ${text}`]);
  return [
    ...named('state', choice.states.map((chip) => t(`filter.chip.${chip}`)).join(', ')),
    ...named('queue', choice.queue),
    ...named('tenant', choice.tenant),
    ...(choice.node === '' ? [] : [t('filter.node', { node: choice.node })]),
    ...(choice.group === undefined ? [] : [t('filter.groupOf', { id: formatTaskId(taskId(choice.group)) })]),
    ...(choice.isLate ? [t('filter.late')] : []),
    ...Object.entries(choice.labels).map(([name, value]) => `${name}=${value}`),
    ...named('tasks', choice.text),
    ...times,
  ];
}

const sumOf = ({ skipped }: BulkTally): number => skipped.reduce((sum, { tasks }) => sum + tasks, 0);

/** `12,400 requeued · 31 skipped (30 changed meanwhile, 1 no longer stored)` */
export function tallyText({ total, bulk }: StorageJob, act: BulkAct, t: Translate): string {
  if (!bulk) return '';
  const skipped = sumOf(bulk);
  const reasons = bulk.skipped
    .map(({ reason, tasks }) => t(`bulk.reason.${reason}`, { count: formatCount(tasks) }))
    .join(', ');
  const left = Math.max(0, total - bulk.changed - skipped);
  return [
    t(`bulk.done.${act}`, { count: formatCount(bulk.changed) }),
    ...(skipped > 0 ? [t('bulk.skipped', { count: formatCount(skipped), reasons })] : []),
    ...(left > 0 ? [t('bulk.left', { count: formatCount(left) })] : []),
  ].join(' · ');
}

/** While it goes on: first it finds them, then it works. */
export function progressText({ done, total }: StorageJob, t: Translate): string {
  if (total === 0) return t('bulk.looking', { count: formatCount(done) });
  return t('bulk.of', { done: formatCount(done), total: formatCount(total) });
}

// What an entry says, in words for a table: the act by its name in the reader's language, and what it was done to.
import type { AuditCheck, AuditEntry } from '../../scheduler/protocol/audit.ts';
import type { Translate } from '../i18n/i18n.ts';
import { clockTime, shortTime, type Zone } from '../format/clock.ts';
import { plainText } from '../format/plainText.ts';
import { formatCount, percentOf } from '../format/quantity.ts';
import type { ColumnPlan } from '../kit/gridColumns.ts';

const plans = [
  { id: 'seq', widthMin: 84, rank: 4 },
  { id: 'time', widthMin: 104, rank: 0 },
  { id: 'action', widthMin: 190, rank: 0, grow: 1 },
  { id: 'targets', widthMin: 160, rank: 1, grow: 2 },
  { id: 'outcome', widthMin: 80, rank: 0 },
  { id: 'actor', widthMin: 130, rank: 0, grow: 1 },
  { id: 'source', widthMin: 110, rank: 3 },
  { id: 'reason', widthMin: 140, rank: 2, grow: 2 },
] as const;

export const auditColumns = (t: Translate): readonly ColumnPlan[] =>
  plans.map((plan) => ({
    id: plan.id,
    widthMin: plan.widthMin,
    rank: plan.rank,
    title: t(`audit.column.${plan.id}`),
    width: 'grow' in plan ? `minmax(${plan.widthMin}px, ${plan.grow}fr)` : `${plan.widthMin}px`,
  }));

/** An action that this window has no word for is shown as it is written. */
export const actionText = (action: string, t: Translate, has: (key: string) => boolean): string =>
  has(`audit.action.${action}`) ? t(`audit.action.${action}`) : plainText(action);

export interface CellWords {
  readonly t: Translate;
  readonly has: (key: string) => boolean;
  readonly nowMs: number;
  readonly zone: Zone;
}

export function auditCellTexts(
  entry: AuditEntry,
  { t, has, nowMs, zone }: CellWords,
): Readonly<Record<string, string>> {
  const { seq, atMs, action, targets, count, outcome, actor, source, details = {} } = entry;
  const [first = ''] = targets;
  const things = count ?? targets.length;
  const more = things > 1 && first !== '' ? ` +${formatCount(things - 1)}` : '';
  const repeated = first === '' && things > 1 ? `× ${formatCount(things)}` : '';
  const why = details['reason'] ?? details['message'] ?? details['code'] ?? '';
  return {
    seq: String(seq),
    time: shortTime(atMs, nowMs, zone),
    action: actionText(action, t, has),
    targets: `${plainText(first)}${more}${repeated}`,
    outcome: t(`audit.outcome.${outcome}`),
    actor: plainText(actor),
    source: plainText(source),
    reason: plainText(String(why)),
  };
}

export interface AuditChange {
  readonly field: string;
  readonly before: string;
  readonly after: string;
  readonly isChanged: boolean;
}

/** Before and after, field by field: both are JSON where the entry has them. */
export function changesOf({ details = {} }: AuditEntry): readonly AuditChange[] {
  const [before, after] = [details['before'], details['after']].map(fieldsOf);
  if (before === undefined || after === undefined) return [];
  // A change names what it changes: what else there was before says nothing.
  const names = Object.keys(after).length > 0 ? Object.keys(after) : Object.keys(before);
  return names.map((field) => {
    const [was = '', is = ''] = [before[field], after[field]];
    return { field, before: was, after: is, isChanged: was !== is };
  });
}

function fieldsOf(text: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof text !== 'string') return {};
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return { value: String(value) };
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        plainText(field),
        plainText(typeof item === 'string' ? item : JSON.stringify(item)),
      ]),
    );
  } catch {
    // Cut at its bound.
    return { value: plainText(text) };
  }
}

/** How a check of the chain stands, or what came of it. */
export function checkText(check: AuditCheck, t: Translate, zone: Zone): string {
  switch (check.state) {
    case 'running': {
      const percent = check.total === 0 ? 0 : Math.floor(percentOf(check.done, check.total));
      return t('audit.check.running', { percent });
    }
    case 'good':
      return goodText(check, t, zone);
    case 'bad': {
      const { seq = 0, message = '' } = check.fault ?? {};
      return t('audit.check.bad', { seq, message: plainText(message) });
    }
    case 'failed':
      return t('audit.check.failed', { message: plainText(check.message ?? '') });
  }
}

function goodText({ done, startedAtMs, found = 0 }: AuditCheck, t: Translate, zone: Zone): string {
  const said = { count: formatCount(done), time: clockTime(startedAtMs, zone) };
  return found > 0
    ? t('audit.check.found', { ...said, found: formatCount(found) })
    : t('audit.check.good', said);
}

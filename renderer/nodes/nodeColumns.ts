// Columns of the node table. `rank` says which go first where there is little room.
import type { ColumnPlan } from '../kit/gridColumns.ts';
import type { Translate } from '../i18n/i18n.ts';

const plans = [
  { id: 'node', widthMin: 150, rank: 0, width: 'minmax(150px, 1.4fr)' },
  { id: 'state', widthMin: 118, rank: 0, width: '118px' },
  { id: 'place', widthMin: 150, rank: 5, width: 'minmax(150px, 1fr)' },
  { id: 'cpu', widthMin: 190, rank: 0, width: 'minmax(190px, 1fr)' },
  { id: 'memory', widthMin: 200, rank: 2, width: 'minmax(200px, 1fr)' },
  { id: 'tasks', widthMin: 48, rank: 1, width: '48px', align: 'end' },
  { id: 'slots', widthMin: 62, rank: 4, width: '62px', align: 'end' },
  { id: 'seen', widthMin: 84, rank: 3, width: '84px', align: 'end' },
  { id: 'version', widthMin: 64, rank: 6, width: '64px' },
  { id: 'platform', widthMin: 120, rank: 7, width: 'minmax(120px, 1fr)' },
] as const;

export function nodeColumns(t: Translate): readonly ColumnPlan[] {
  return plans.map((plan) => ({ ...plan, title: t(`node.column.${plan.id}`) }));
}

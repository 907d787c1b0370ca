// Columns of the task table. `rank` says which go first where there is little room.
import type { ColumnPlan } from '../kit/gridColumns.ts';
import type { Translate } from '../i18n/i18n.ts';

interface Plan {
  readonly id: string;
  readonly widthMin: number;
  readonly rank: number;
  readonly align?: 'end';
  /** Takes a share of the room that is left. */
  readonly grow?: number;
}
const plans: readonly Plan[] = [
  { id: 'id', widthMin: 84, rank: 0 },
  { id: 'state', widthMin: 92, rank: 0 },
  { id: 'kind', widthMin: 72, rank: 10 },
  { id: 'name', widthMin: 130, rank: 0, grow: 3 },
  { id: 'queue', widthMin: 86, rank: 2, grow: 1 },
  { id: 'tenant', widthMin: 80, rank: 12, grow: 1 },
  { id: 'priority', widthMin: 44, rank: 8, align: 'end' },
  { id: 'node', widthMin: 136, rank: 1, grow: 1 },
  { id: 'submitted', widthMin: 84, rank: 7 },
  { id: 'wait', widthMin: 72, rank: 3, align: 'end' },
  { id: 'run', widthMin: 72, rank: 5, align: 'end' },
  { id: 'late', widthMin: 104, rank: 4, align: 'end' },
  { id: 'try', widthMin: 44, rank: 6, align: 'end' },
  { id: 'exit', widthMin: 40, rank: 9, align: 'end' },
  { id: 'submitter', widthMin: 90, rank: 11, grow: 1 },
];

export function taskColumns(t: Translate): readonly ColumnPlan[] {
  return plans.map(({ id, widthMin, rank, align, grow }) => ({
    id,
    widthMin,
    rank,
    title: t(`task.column.${id}`),
    width: grow === undefined ? `${widthMin}px` : `minmax(${widthMin}px, ${grow}fr)`,
    ...(align ? { align } : {}),
  }));
}

// Columns of a grid, and which of them fit: the least needed go first when the window is narrow.
export interface GridColumn {
  readonly id: string;
  readonly title: string;
  /** Width as CSS writes it in a grid template. */
  readonly width: string;
  readonly align?: 'end';
}
/** What a grid lets its parent do. */
export interface GridHandle {
  readonly focus: () => void;
  readonly show: (row: number) => void;
  readonly toTop: () => void;
}
export interface ColumnPlan extends GridColumn {
  /** Least width in px. */
  readonly widthMin: number;
  /** 0 stays always; the largest goes first. */
  readonly rank: number;
}

const columnGap = 12;
const edges = 24;

export function fittingColumns(plan: readonly ColumnPlan[], width: number): readonly ColumnPlan[] {
  let kept = [...plan];
  const needed = () => kept.reduce((sum, column) => sum + column.widthMin + columnGap, edges - columnGap);
  while (needed() > width) {
    const rankMax = Math.max(...kept.map((column) => column.rank));
    if (rankMax === 0) break;
    kept = kept.filter((column) => column.rank !== rankMax);
  }
  return kept;
}

// Which rows of a very long list are on screen, and where. Pure sums, so that the last of five million is reachable.

/** Below Chromium's limit for one element (33,554,432 px) by a wide margin. */
export const scrollHeightMax = 8_000_000;

export interface RowGeometry {
  readonly total: number;
  readonly rowHeight: number;
  readonly viewport: number;
}
export interface VisibleRows {
  readonly first: number;
  readonly count: number;
}

export const scrollHeight = ({ total, rowHeight }: RowGeometry): number =>
  Math.min(total * rowHeight, scrollHeightMax);

/** Real pixels that one pixel of the scrollbar stands for: 1, or more where the list is taller than an element. */
export function scrollRatio(geometry: RowGeometry): number {
  const real = geometry.total * geometry.rowHeight - geometry.viewport;
  const scrolled = scrollHeight(geometry) - geometry.viewport;
  return real > scrolled && scrolled > 0 ? real / scrolled : 1;
}

export const offsetMax = ({ total, rowHeight, viewport }: RowGeometry): number =>
  Math.max(0, total * rowHeight - viewport);

/** Rows that are visible, wholly or in part, at a real offset from the top of the list. */
export function rowsAt(geometry: RowGeometry, offset: number): VisibleRows {
  const first = Math.max(0, Math.min(Math.floor(offset / geometry.rowHeight), geometry.total - 1));
  const count = Math.min(Math.ceil(geometry.viewport / geometry.rowHeight) + 1, geometry.total - first);
  return { first, count: Math.max(0, count) };
}

/** The offset nearest to `offset` at which `row` is wholly visible. */
export function offsetShowing(geometry: RowGeometry, offset: number, row: number): number {
  const top = row * geometry.rowHeight;
  const lowest = top - geometry.viewport + geometry.rowHeight;
  return Math.min(Math.max(Math.min(offset, top), lowest, 0), offsetMax(geometry));
}

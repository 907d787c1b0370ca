// The row that the keyboard is on: the opened one, or where it was while none is open.
import { computed, type Ref, ref } from 'vue';
import type { GridHandle } from '../kit/gridColumns.ts';
import type { OffsetPages } from './offsetPages.ts';

interface Opening<Row> {
  readonly pages: () => OffsetPages<Row>;
  readonly grid: Readonly<Ref<GridHandle | null>>;
  readonly isAnyOpen: () => boolean;
  readonly isOpened: (row: Row) => boolean;
  /** `inPlace`: without a step in the history, for a cursor that moves over many. */
  readonly open: (row: Row | undefined, inPlace: boolean) => void;
}

export function useListCursor<Row>({ pages, grid, isAnyOpen, isOpened, open }: Opening<Row>) {
  const closedCursor = ref(-1);
  const cursor = computed(() => (isAnyOpen() ? pages().positionOf(isOpened) : closedCursor.value));

  function openAt(position: number, inPlace = false): void {
    closedCursor.value = position;
    const row = pages().rowAt(position);
    if (row !== undefined) open(row, inPlace);
  }
  function moveTo(position: number): void {
    if (isAnyOpen()) openAt(position, true);
    else closedCursor.value = position;
  }
  function close(): void {
    open(undefined, false);
    grid.value?.focus();
  }
  return { cursor, openAt, moveTo, close };
}

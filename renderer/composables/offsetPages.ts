// Pages of a list by offset, kept for the rows around those on screen.
import { shallowRef, type ShallowRef } from 'vue';
import { pageRowsMax } from '../../scheduler/protocol/limits.ts';

/** Pages of 200 rows kept at a time. */
const pagesMax = 10;

interface Loaded<Row> {
  readonly total: number;
  readonly isLoaded: boolean;
  readonly pages: ReadonlyMap<number, readonly Row[]>;
}
export interface OffsetPages<Row> {
  readonly loaded: Readonly<ShallowRef<Loaded<Row>>>;
  readonly rowAt: (position: number) => Row | undefined;
  /** Where such a row is among those that are read; -1 where none is. */
  readonly positionOf: (isIt: (row: Row) => boolean) => number;
  /** Reads the pages of a range; `again` also those that are there. */
  readonly read: (first: number, count: number, again: boolean) => Promise<void>;
}
export type AskPage<Row> = (
  offset: number,
  limit: number,
) => Promise<{ readonly rows: readonly Row[]; readonly total: number }>;

export function createOffsetPages<Row>(ask: AskPage<Row>): OffsetPages<Row> {
  const loaded = shallowRef<Loaded<Row>>({ total: 0, isLoaded: false, pages: new Map() });
  const asked = new Set<number>();

  async function readPage(number: number): Promise<void> {
    if (asked.has(number)) return;
    asked.add(number);
    try {
      const page = await ask(number * pageRowsMax, pageRowsMax);
      const others = [...loaded.value.pages].filter(([other]) => other !== number).slice(1 - pagesMax);
      loaded.value = { total: page.total, isLoaded: true, pages: new Map([...others, [number, page.rows]]) };
    } finally {
      asked.delete(number);
    }
  }
  return {
    loaded,
    rowAt: (position) => loaded.value.pages.get(Math.floor(position / pageRowsMax))?.[position % pageRowsMax],
    positionOf(isIt) {
      for (const [number, rows] of loaded.value.pages) {
        const at = rows.findIndex(isIt);
        if (at >= 0) return number * pageRowsMax + at;
      }
      return -1;
    },
    async read(first, count, again) {
      const from = Math.floor(first / pageRowsMax);
      const to = Math.floor(Math.max(first, first + count - 1) / pageRowsMax);
      const numbers = Array.from({ length: to - from + 1 }, (_, at) => from + at);
      await Promise.all(numbers.filter((number) => again || !loaded.value.pages.has(number)).map(readPage));
    },
  };
}

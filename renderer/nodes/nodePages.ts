// Pages of the node list by offset, kept for the rows around those on screen.
import { shallowRef, type ShallowRef } from 'vue';
import type { NodeId } from '../../scheduler/protocol/brands.ts';
import { pageRowsMax } from '../../scheduler/protocol/limits.ts';
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import type { NodePage } from '../../scheduler/protocol/view.ts';

/** Pages of 200 rows kept at a time. */
const pagesMax = 10;

interface Loaded {
  readonly total: number;
  readonly isLoaded: boolean;
  readonly pages: ReadonlyMap<number, readonly NodeRow[]>;
}
export interface NodePages {
  readonly loaded: Readonly<ShallowRef<Loaded>>;
  readonly rowAt: (position: number) => NodeRow | undefined;
  /** Where a node is among the rows that are read; -1 where it is not. */
  readonly positionOf: (id: NodeId) => number;
  /** Reads the pages of a range; `again` also those that are there. */
  readonly read: (first: number, count: number, again: boolean) => Promise<void>;
}

export function createNodePages(ask: (offset: number, limit: number) => Promise<NodePage>): NodePages {
  const loaded = shallowRef<Loaded>({ total: 0, isLoaded: false, pages: new Map() });
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
    positionOf(id) {
      for (const [number, rows] of loaded.value.pages) {
        const at = rows.findIndex((row) => row.nodeId === id);
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

// The questions that the bench asks, by kind, each with other names on each turn.
import type { History } from '../../scheduler/history/store.ts';
import { ms, nodeId, queueName, taskId } from '../../scheduler/protocol/brands.ts';
import type { Grouping, TaskFilter } from '../../scheduler/protocol/view.ts';
import { labelsOf, nodes, queues, submittedMsOf, tenants, words } from './tasks.ts';

export const kinds = ['page', 'filter', 'count', 'group', 'text'] as const;
export type Kind = (typeof kinds)[number];
interface Asking {
  readonly turns: number;
  readonly run: (store: History, turn: number) => Promise<void>;
  /** What came of the newest turn. */
  readonly note: () => string;
}

const turns = 20;
const pageRows = 50;
const textTurns = 8;
const hourMs = 3_600_000;

const page = (
  filterOf: (turn: number) => TaskFilter,
  of: { before?: number; turns?: number } = {},
): Asking => {
  let note = '';
  return {
    turns: of.turns ?? turns,
    run: async (store, turn) => {
      const before = of.before === undefined ? undefined : taskId(of.before - turn * 1_013);
      const { rows, looked } = await store.list(filterOf(turn), before, pageRows);
      note = `${rows.length} rows${looked === undefined ? '' : `, stopped after ${looked}`}`;
    },
    note: () => note,
  };
};
const count = (filterOf: (turn: number) => TaskFilter): Asking => {
  let note = '';
  return {
    turns,
    run: async (store, turn) => {
      const { total, isEstimate } = await store.count(filterOf(turn));
      note = `${total}${isEstimate ? ' estimated' : ''}`;
    },
    note: () => note,
  };
};
const groups = (by: Grouping, filterOf: (turn: number) => TaskFilter): Asking => {
  let note = '';
  return {
    turns,
    run: async (store, turn) => {
      const found = await store.groups(filterOf(turn), by);
      note = `${found.groups.length} groups of ${found.total}${found.isEstimate ? ' estimated' : ''}`;
    },
    note: () => note,
  };
};

const queue = (turn: number): TaskFilter => ({ queue: queueName(queues[turn % queues.length] ?? '') });
const node = (turn: number): TaskFilter => ({ nodeId: nodeId(nodes[(turn * 97) % nodes.length] ?? '') });
const tenant = (turn: number): TaskFilter => ({ tenant: tenants[turn % tenants.length] ?? '' });
const failed: TaskFilter = { states: ['dead_letter'] };
const label =
  (name: string, rows: number) =>
  (turn: number): TaskFilter => ({
    labels: { [name]: labelsOf(Math.floor((rows * (turn + 1)) / (turns + 2)))[name] ?? '' },
  });

/** All questions of a kind, by name. */
export function asksOf(kind: Kind, rows: number, perS: number): Readonly<Record<string, Asking>> {
  const day = (turn: number): TaskFilter => ({
    sinceMs: ms(submittedMsOf(Math.floor(rows / 3), perS) + turn * 60_000),
    untilMs: ms(submittedMsOf(Math.floor(rows / 3), perS) + turn * 60_000 + hourMs),
  });
  const wholeHours: TaskFilter = {
    sinceMs: ms(Math.ceil(submittedMsOf(Math.floor(rows / 3), perS) / hourMs) * hourMs),
  };
  const none = (): TaskFilter => ({});
  const text = (word: string) => (): TaskFilter => ({ text: word });
  switch (kind) {
    case 'page':
      return { newest: page(none), deep: page(none, { before: Math.floor(rows / 2) }) };
    case 'filter':
      return {
        queue: page(queue, { before: Math.floor(rows / 2) }),
        state: page(() => failed),
        node: page(node),
        tenant: page(tenant),
        time: page(day),
        partLabel: page(label('part', rows)),
        serialLabel: page(label('serial', rows)),
        absentLabel: page(() => ({ labels: { serial: 'there-is-none' } })),
        queueAndNode: page((turn) => ({ ...queue(turn), ...node(turn) })),
        queueAndState: page((turn) => ({ ...queue(turn), ...failed })),
        nodeAndState: page((turn) => ({ ...node(turn), states: ['cancelled'] })),
        tenantAndTime: page((turn) => ({ ...tenant(turn), ...day(turn) })),
        labelAndQueue: page((turn) => ({ ...label('part', rows)(turn), ...queue(turn) })),
        twoLabels: page((turn) => ({
          labels: { ...label('part', rows)(turn).labels, colour: 'signal-red' },
        })),
      };
    case 'count':
      return {
        all: count(none),
        queueAndState: count((turn) => ({ ...queue(turn), ...failed })),
        node: count(node),
        tenantAndHours: count((turn) => ({ ...tenant(turn), ...wholeHours })),
        time: count(day),
        label: count(label('part', rows)),
        queueAndNode: count((turn) => ({ ...queue(turn), ...node(turn) })),
        rareText: count(text(words.rare)),
      };
    case 'group':
      return {
        state: groups('state', none),
        queue: groups('queue', none),
        tenant: groups('tenant', () => failed),
        node: groups('node', none),
        hour: groups('hour', queue),
        day: groups('day', none),
        queueOfHours: groups('queue', () => wholeHours),
        kindOfNode: groups('kind', node),
        queueOfNode: groups('queue', node),
        nodeOfQueue: groups('node', queue),
        stateOfLabel: groups('state', label('part', rows)),
      };
    case 'text':
      return {
        frequent: page(text(words.frequent), { turns: textTurns }),
        rare: page(text(words.rare), { turns: textTurns }),
        absent: page(text(words.absent), { turns: textTurns }),
        job: page((turn) => ({ text: `--job=${Math.floor(rows / 2) + turn}` }), { turns: textTurns }),
        textOfQueue: page((turn) => ({ ...queue(turn), text: words.rare }), { turns: textTurns }),
        short: page(text('zq'), { turns: textTurns }),
      };
  }
}

// millrace list, count: tasks that match, as a table, as ids, or as numbers.
import type { InferOutput } from 'valibot';
import { groupings } from '../../protocol/view.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { filterOptions, filterQueryOf } from './filterOptions.ts';
import { withInterrupt } from './interrupt.ts';
import { clean, printRows, shown, table, timeOf, type Tools } from './tools.ts';

type Row = InferOutput<typeof answerSchemas.TaskRow>;
type Page = InferOutput<typeof answerSchemas.TaskList>;
const pageRows = 200;
const sayEveryMs = 1_000;

export const list: Command = {
  form: '[options]',
  about: 'Lists tasks, newest first. Ctrl-C ends a long search with what was found.',
  options: {
    ...filterOptions,
    limit: { type: 'string', value: 'N', about: 'rows (default 50)' },
    all: { type: 'boolean', about: 'every row there is' },
    ids: { type: 'boolean', about: 'only ids, for wait, cancel and retry' },
  },
  run: async (given, tools) => {
    const { rows, more, isCut } = await withInterrupt((signal) => readRows(given, tools, signal));
    if (given.flag('ids')) for (const { taskId } of rows) tools.out(`${shown(taskId)}\n`);
    else
      printRows(
        tools,
        rows,
        ['ID', 'STATE', 'QUEUE', 'NODE', 'ATTEMPT', 'EXIT', 'SUBMITTED', 'NAME'],
        cellsOf,
      );
    if (isCut) tools.say('stopped; older tasks were not looked at\n');
    else if (more > 0 && !tools.isJson) tools.say(`${more} more; give --all or a larger --limit\n`);
    return isCut ? exitCodes.interrupted : exitCodes.ok;
  },
};

interface Read {
  readonly rows: readonly Row[];
  readonly more: number;
  /** Somebody stopped it. */
  readonly isCut: boolean;
}

async function readRows(given: Given, tools: Tools, signal: AbortSignal): Promise<Read> {
  const wanted = given.flag('all') ? Infinity : (given.number('limit') ?? 50);
  const filter = filterQueryOf(given);
  const search = new SearchProgress(tools);
  const rows: Row[] = [];
  let before: number | undefined;
  for (;;) {
    const limit = Math.max(1, Math.min(pageRows, wanted - rows.length));
    const query = { ...filter, before, limit };
    const page = await tools.client.ask(answerSchemas.TaskList, { method: 'GET', path: '/tasks', query });
    rows.push(...page.rows);
    before = page.nextBefore;
    search.page(page, rows.length);
    if (before === undefined) return { rows, more: 0, isCut: false };
    if (rows.length >= wanted) return { rows, more: Math.max(0, page.total - rows.length), isCut: false };
    if (signal.aborted) return { rows, more: 0, isCut: true };
  }
}

/** Tells of pages that stopped at their bound: a search through all of history takes its time. */
class SearchProgress {
  readonly #tools: Tools;
  #looked = 0;
  #saidAtMs = Date.now();

  constructor(tools: Tools) {
    this.#tools = tools;
  }

  page({ looked }: Page, found: number): void {
    if (looked === undefined) return;
    this.#looked += looked;
    if (Date.now() - this.#saidAtMs < sayEveryMs) return;
    this.#saidAtMs = Date.now();
    this.#tools.say(`looked at ${this.#looked} tasks, found ${found}; Ctrl-C stops\n`);
  }
}

const cellsOf = (row: Row): (string | number)[] => [
  shown(row.taskId),
  row.waiting === 'none' || row.waiting === row.state ? row.state : `${row.state} (${row.waiting})`,
  row.queue,
  row.nodeId ?? '-',
  `${row.attempt}/${row.attemptsMax}`,
  row.exitCode ?? '-',
  timeOf(row.submittedAtMs),
  row.name,
];

export const count: Command = {
  form: '--by NAME [options]',
  about: 'Counts tasks, live and ended.',
  options: {
    by: { type: 'string', value: 'NAME', about: groupings.join(', ') },
    ...filterOptions,
  },
  run: async (given, { client, out, say, isJson }) => {
    const by = given.text('by');
    if (by === undefined) throw wrongUsage(`give --by: one of ${groupings.join(', ')}`);
    const query = { by, ...filterQueryOf(given) };
    const call = { method: 'GET', path: '/tasks/count', query } as const;
    const counted = await client.ask(answerSchemas.TaskGroups, call);
    if (isJson) {
      out(`${JSON.stringify(counted)}\n`);
      return exitCodes.ok;
    }
    const rows = counted.groups.map(({ key, tasks }) => [key === '' ? '-' : clean(key), tasks]);
    out(table([by.toUpperCase(), 'TASKS'], rows));
    const beyond = counted.beyond > 0 ? `, ${counted.beyond} of them in groups that are not listed` : '';
    say(`${counted.isEstimate ? 'about ' : ''}${counted.total} tasks${beyond}\n`);
    return exitCodes.ok;
  },
};

// Keeps the sums that make counts cheap: added up in memory during a transaction, stored at its end.
import type { Database, Statement } from '../sqlite/driver.ts';
import { stateOfCode } from './facets.ts';
import type { EndedRow } from './endedRow.ts';

const minuteMs = 60_000;
export const hourMs = 3_600_000;

/** One table of sums: its key columns, and what the transaction added to each key. */
class Sums {
  readonly #added = new Map<string, { readonly key: readonly (number | string)[]; n: number }>();
  readonly #add: Statement;
  readonly #drop: Statement;

  constructor(database: Database, table: string, columns: readonly string[]) {
    const marks = columns.map(() => '?').join(', ');
    this.#add = database.prepare(
      `INSERT INTO ${table} VALUES (${marks}, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n`,
    );
    this.#drop = database.prepare(
      `DELETE FROM ${table} WHERE ${columns.map((column) => `${column} = ?`).join(' AND ')} AND n <= 0`,
    );
  }

  add(key: readonly (number | string)[], n: number): void {
    const text = key.join(' ');
    const sum = this.#added.get(text);
    if (sum) sum.n += n;
    else this.#added.set(text, { key, n });
  }

  store(): void {
    for (const { key, n } of this.#added.values()) {
      if (n !== 0) this.#add.run(...key, n);
      if (n < 0) this.#drop.run(...key);
    }
    this.#added.clear();
  }
}

export class Tallies {
  readonly #all: Sums;
  readonly #nodes: Sums;
  readonly #hours: Sums;
  readonly #minutes: Sums;
  readonly #addTasks: Statement;
  #tasks = 0;

  constructor(database: Database) {
    this.#all = new Sums(database, 'tally', ['queue', 'tenant', 'kind', 'state']);
    this.#nodes = new Sums(database, 'node_tally', ['node', 'state']);
    this.#hours = new Sums(database, 'hourly', ['by_tenant', 'hour', 'name', 'state']);
    this.#minutes = new Sums(database, 'ended_minute', ['minute', 'state']);
    this.#addTasks = database.prepare(`UPDATE meta SET number = number + ? WHERE key = 'tasks'`);
  }

  /** `n`: 1 or -1. */
  add(row: EndedRow, n: number): void {
    const { queue, tenant, kind, state, node } = row;
    const hour = Math.floor(row.submittedMs / hourMs);
    this.#tasks += n;
    this.#all.add([queue, tenant, kind, state], n);
    this.#nodes.add([node, state], n);
    this.#hours.add([0, hour, queue, state], n);
    this.#hours.add([1, hour, tenant, state], n);
  }

  /** Ends per minute, which stay when a task is requeued or let go. */
  addMinute({ submittedMs, tookMs, state }: EndedRow, n: number): void {
    this.addEnd(submittedMs + tookMs, stateOfCode(state), n);
  }
  addEnd(endedMs: number, state: string, n: number): void {
    this.#minutes.add([Math.floor(endedMs / minuteMs), state], n);
  }

  /** At the end of a transaction. */
  store(): void {
    if (this.#tasks !== 0) this.#addTasks.run(this.#tasks);
    this.#tasks = 0;
    for (const sums of [this.#all, this.#nodes, this.#hours, this.#minutes]) sums.store();
  }
}

// What a command is given to work with: the hub, standard input, and where its words go.
import { formatTaskId, taskId } from '../../protocol/brands.ts';
import type { Client } from './client.ts';

export interface Tools {
  readonly client: Client;
  /** Results. With `--json`, one JSON value a line. */
  readonly out: (text: string) => void;
  /** What people read meanwhile. */
  readonly say: (text: string) => void;
  readonly input: AsyncIterable<Buffer | string>;
  readonly isJson: boolean;
}

/** `T-16` of a plain number. */
export const shown = (id: number): string => formatTaskId(taskId(id));

export const timeOf = (ms: number | undefined): string =>
  ms === undefined ? '-' : `${new Date(ms).toISOString().slice(0, 19)}Z`;

/** Columns as wide as their widest cell; the last one is left ragged. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => clean(String(cell))))];
  const widths = head.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)));
  return cells
    .map((row) =>
      row
        .map((cell, at) => (at === row.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** Names and reasons come from others: control characters could rewrite a terminal's screen. */
export const clean = (text: string): string => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');

/** Prints each value as a JSON line, or all as one table. */
export function printRows<Row>(
  { out, isJson }: Tools,
  rows: readonly Row[],
  head: readonly string[],
  cellsOf: (row: Row) => readonly (string | number)[],
): void {
  if (isJson) for (const row of rows) out(`${JSON.stringify(row)}\n`);
  else out(table(head, rows.map(cellsOf)));
}

// Writes the rows of an export in one of its formats, into a file that is open, batch by batch: memory stays bounded.
import { writeSync } from 'node:fs';
import { stringify } from 'csv-stringify/sync';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ExportFormat } from '../protocol/storage.ts';
import { type ExportColumn, exportColumns, type ExportRow, kindOfColumn, readableRow } from './exportRow.ts';

export interface ExportSink {
  readonly write: (rows: readonly ExportRow[]) => void;
  /** Writes what is held back, and the end of the file. */
  readonly finish: () => void;
}

/** `file`: a descriptor. */
export function sinkOf(format: ExportFormat, file: number): ExportSink {
  if (format === 'csv') return csvSink(file);
  return format === 'ndjson' ? ndjsonSink(file) : parquetSink(file);
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at);
}
const writeText = (file: number, text: string): void => {
  writeAll(file, Buffer.from(text, 'utf8'));
};

function csvSink(file: number): ExportSink {
  const put = (rows: readonly ExportRow[], header: boolean): void => {
    // A spreadsheet would run a name such as `=cmd|...` as a formula: such cells get a quote before them.
    writeText(file, stringify([...rows], { header, columns: [...exportColumns], escape_formulas: true }));
  };
  put([], true);
  return {
    write: (rows) => {
      put(rows.map(readableRow), false);
    },
    finish: () => undefined,
  };
}

function ndjsonSink(file: number): ExportSink {
  return {
    write: (rows) => {
      writeText(file, rows.map((row) => `${objectText(row)}\n`).join(''));
    },
    finish: () => undefined,
  };
}

/** Labels are an object here, and not a text that holds one. */
function objectText(row: ExportRow): string {
  return JSON.stringify({ ...readableRow(row), labels: JSON.parse(String(row.labels)) as unknown });
}

/** Rows of one group, held in memory as columns: some 30 MB. */
const rowsPerGroup = 20_000;

type Schema = ConstructorParameters<typeof ParquetWriter>[0]['schema'];
type Element = Schema[number];

function elementOf(name: ExportColumn): Element {
  const repeated = { name, repetition_type: 'OPTIONAL' } as const;
  const kind = kindOfColumn(name);
  if (kind === 'whole') return { ...repeated, type: 'INT64' };
  if (kind === 'time') return { ...repeated, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' };
  return { ...repeated, type: 'BYTE_ARRAY', converted_type: 'UTF8' };
}

function parquetSink(file: number): ExportSink {
  const bytes = new ByteWriter();
  const flush = (): void => {
    writeAll(file, bytes.getBytes());
    bytes.index = 0;
  };
  const schema: Schema = [
    { name: 'tasks', num_children: exportColumns.length },
    ...exportColumns.map(elementOf),
  ];
  const writer = new ParquetWriter({ writer: bytes, schema, createdBy: 'Millrace' });
  let held: ExportRow[] = [];
  const putGroup = (): void => {
    if (held.length === 0) return;
    const columnData = exportColumns.map((name) => ({ name, data: held.map((row) => cellOf(row[name])) }));
    void writer.write({ columnData, rowGroupSize: held.length });
    held = [];
    flush();
  };
  return {
    write: (rows) => {
      held.push(...rows);
      if (held.length >= rowsPerGroup) putGroup();
    },
    finish: () => {
      putGroup();
      void writer.finish();
      flush();
    },
  };
}

const cellOf = (value: string | number | null): string | bigint | null =>
  typeof value === 'number' ? BigInt(Math.round(value)) : value;

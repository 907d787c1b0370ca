// Writes the entries that match into a file, with what proves them: their hashes, and the newest of the chain.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import type { AuditEntry } from '../protocol/audit.ts';
import type { Database } from '../sqlite/driver.ts';
import { entryOf } from './chain.ts';
import { walkRows } from './reader.ts';
import type { ExportAsks } from './threadMessages.ts';
import type { Sizes } from './writer.ts';

const columns = [
  'seq',
  'time',
  'action',
  'actor',
  'source',
  'outcome',
  'targets',
  'count',
  'details',
] as const;

/** `bytes` of the file, flushed, once it is done. Yields entries written so far. */
export function* exportEntries(
  database: Database,
  { path, filter, format, program }: ExportAsks,
  sizes: Pick<Sizes, 'firstSeq' | 'last'>,
): Generator<number, number> {
  const file = openSync(path, 'wx', 0o600);
  let bytes = 0;
  let entries = 0;
  const write = (text: string): void => {
    bytes += writeSync(file, text);
  };
  const { firstSeq, last } = sizes;
  const proof = { chain: 'sha256', program, firstSeq, lastSeq: last.seq, lastHash: last.hash, filter };
  try {
    if (format === 'csv') write(`${[...columns, 'previous', 'hash'].join(',')}\r\n`);
    for (const { rows } of walkRows(database, filter, last.seq + 1)) {
      const lines = rows.map(entryOf).map(format === 'csv' ? csvLine : jsonLine);
      write(lines.join(''));
      entries += rows.length;
      yield entries;
    }
    const proven = JSON.stringify({ ...proof, entries });
    write(format === 'csv' ? `proof,${quoted(proven)}\r\n` : `{"proof":${proven}}\n`);
    fsyncSync(file);
    return bytes;
  } finally {
    closeSync(file);
  }
}

const jsonLine = (entry: AuditEntry): string => `${JSON.stringify(entry)}\n`;

function csvLine(entry: AuditEntry): string {
  const { seq, atMs, action, actor, source, outcome, targets, count, details, previous, hash } = entry;
  const time = new Date(atMs).toISOString();
  const told = details === undefined ? '' : JSON.stringify(details);
  const cells = [seq, time, action, actor, source, outcome, targets.join(' '), count ?? '', told];
  return `${[...cells, previous, hash].map((cell) => quoted(String(cell))).join(',')}\r\n`;
}

/** RFC 4180. What a table program would take for a formula is led by a quote. */
function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

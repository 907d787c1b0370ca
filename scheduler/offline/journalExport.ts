// millrace journal export: the batches of a journal as NDJSON, one line each.
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { faultOfPruned, badRowInWords, walkRows } from '../journal/rowWalk.ts';
import type { Batch } from '../protocol/events.ts';
import type { Database } from '../sqlite/driver.ts';
import { batchesOf, CommandEnds, exitCodes, type Output, withJournal } from './journalReading.ts';

export interface ExportOptions {
  /** Absent: standard output. */
  readonly file: string | undefined;
  readonly from: number;
  readonly to: number;
  /** Kinds of events; empty: all. Batches without such an event are left out. */
  readonly kinds: readonly string[];
}

/** Characters that are collected before they go out. */
const chunkCharacters = 1024 * 1024;

/** Everything up to the first damaged row. */
export function exportJournal(folder: string, options: ExportOptions, output: Output): Promise<number> {
  return withJournal(folder, async (database) => {
    const sink: Sink = options.file === undefined ? output : fileSink(options.file);
    const exported = await write(database, options, sink);
    sink.end?.();
    output.say(`millrace: ${exported.batches} batches\n`);
    if (exported.bad === undefined) return exitCodes.ok;
    output.say(`millrace: stopped at ${exported.bad}; see "millrace journal verify"\n`);
    return exitCodes.damaged;
  });
}

interface Sink {
  readonly out: (text: string) => void;
  readonly drained?: () => Promise<void>;
  readonly end?: () => void;
}

/** Never over something that is there. */
function fileSink(path: string): Sink {
  let file: number;
  try {
    file = openSync(path, 'wx', 0o600);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandEnds(
      exitCodes.refused,
      code === 'EEXIST' ? `${path} exists already: give another --out` : `${path} cannot be made: ${why}`,
    );
  }
  return {
    out: (text) => {
      for (let bytes = Buffer.from(text); bytes.byteLength > 0;)
        bytes = bytes.subarray(writeSync(file, bytes));
    },
    end: () => {
      fsyncSync(file);
      closeSync(file);
    },
  };
}

async function write(database: Database, options: ExportOptions, sink: Sink) {
  const walk = walkRows(database, 0, {
    isUnanchored: faultOfPruned(database) !== undefined,
    onRow: () => undefined,
  });
  let batches = 0;
  let text = '';
  for (const batch of batchesOf(database, walk)) {
    const line = lineOf(batch, options);
    if (line === undefined) continue;
    batches += 1;
    text += line;
    if (text.length < chunkCharacters) continue;
    sink.out(text);
    await sink.drained?.();
    text = '';
  }
  sink.out(text);
  await sink.drained?.();
  return { batches, bad: walk.bad && badRowInWords(walk.bad) };
}

function lineOf({ sequence, atMs, events }: Batch, { from, to, kinds }: ExportOptions): string | undefined {
  if (sequence < from || sequence > to) return undefined;
  const wanted = kinds.length === 0 ? events : events.filter(({ kind }) => kinds.includes(kind));
  if (kinds.length > 0 && wanted.length === 0) return undefined;
  return `${JSON.stringify({ sequence, at: new Date(atMs).toISOString(), events: wanted })}\n`;
}

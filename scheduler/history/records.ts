// Finds the record of an ended task, in table `record` or in its block, and checks it against its checksum.
import { inflateRawSync } from 'node:zlib';
import { formatTaskId, taskId as taskIdOf } from '../protocol/brands.ts';
import { type TaskRecord, tenantDefault } from '../protocol/task.ts';
import type { Database, Statement } from '../sqlite/driver.ts';
import { bytesIn, numberIn, type Row, textIn } from '../sqlite/columns.ts';
import type { StorageFault } from '../sqlite/fault.ts';
import { type EndedRow, endedRowIn, sealOf } from './endedRow.ts';
import { segmentOf, segmentSize } from './postings.ts';

/** Records that are compressed together: 860 B of JSON become 80 B, and one is read in 50 to 150 us. */
export const blockRows = 64;
/** Blocks of one build. */
export const blocksPerBuild = segmentSize / blockRows;
/** Blocks kept open: what one page of 200 scattered tasks may need. 60 kB each. */
const blocksOpenMax = 200;

/** The record of this text. Records of before there were tenants belong to the default one. */
export function recordFrom(text: string): TaskRecord {
  const record = JSON.parse(text) as TaskRecord;
  const spec = record.spec as Partial<TaskRecord['spec']>;
  return spec.tenant === undefined ? { ...record, spec: { ...record.spec, tenant: tenantDefault } } : record;
}

/** What is stored is not what was written. */
export class Damaged extends Error {
  readonly fault: StorageFault;
  constructor(what: string) {
    super(`${what} is damaged on disk: restore a backup to have it back; all others can still be read`);
    this.name = 'Damaged';
    this.fault = { cause: 'damaged', message: this.message };
  }
}

export class RecordReader {
  readonly #loose: Statement;
  readonly #build: Statement;
  readonly #block: Statement;
  readonly #open = new Map<number, Buffer>();

  constructor(database: Database) {
    this.#loose = database.prepare('SELECT body FROM record WHERE task_id = ?');
    this.#build = database.prepare('SELECT build FROM segment WHERE segment = ?');
    this.#block = database.prepare('SELECT body FROM block WHERE id = ?');
  }

  /** `row`: of table `ended`, with its checksum. Throws `Damaged` where the record is not what was written. */
  read(row: Row): TaskRecord {
    return recordFrom(this.textOf(row));
  }

  /** The text of the record. Throws as `read`. */
  textOf(row: Row): string {
    const { text, isSound } = this.find(row);
    if (text !== undefined && isSound) return text;
    throw new Damaged(`the record of task ${formatTaskId(taskIdOf(numberIn(row, 'task_id')))}`);
  }

  /** What is stored, whether or not it is what was written. */
  find(row: Row): { readonly text: string | undefined; readonly isSound: boolean } {
    const ended = endedRowIn(row);
    const text = this.#textAt(ended);
    return { text, isSound: text !== undefined && sealOf(ended, text) === numberIn(row, 'crc') };
  }

  #textAt({ taskId }: EndedRow): string | undefined {
    const loose = this.#loose.get(taskId);
    if (loose) return textIn(loose, 'body');
    const segment = this.#build.get(segmentOf(taskId));
    if (!segment) return undefined;
    const place = Math.floor((taskId % segmentSize) / blockRows);
    return lineIn(this.#opened(numberIn(segment, 'build') * blocksPerBuild + place), taskId);
  }

  /** Blocks never change, so one that was read stays right. */
  #opened(id: number): Buffer {
    const known = this.#open.get(id);
    if (known) return known;
    const row = this.#block.get(id);
    const block = row ? inflated(bytesIn(row, 'body')) : Buffer.alloc(0);
    if (this.#open.size >= blocksOpenMax) this.#open.delete(this.#open.keys().next().value ?? id);
    this.#open.set(id, block);
    return block;
  }
}

/** Of a block that cannot be inflated: nothing, so that each of its tasks is named as damaged when it is asked for. */
function inflated(body: Uint8Array): Buffer {
  try {
    return inflateRawSync(body);
  } catch {
    return Buffer.alloc(0);
  }
}

/** The records of a block, in order, each on a line of its own behind the number of its task. */
export const blockOf = (lines: readonly string[]): string => `\n${lines.join('\n')}\n`;
export const blockLine = (taskId: number, text: string): string => `${taskId} ${text}`;

/** JSON has no line ends, so a number behind one begins a record. */
function lineIn(block: Buffer, taskId: number): string | undefined {
  const start = `\n${taskId} `;
  const at = block.indexOf(start);
  if (at < 0) return undefined;
  const from = at + start.length;
  return block.toString('utf8', from, block.indexOf('\n', from));
}

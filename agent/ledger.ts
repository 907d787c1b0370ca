// The agent's own record of what it ran: an append-only NDJSON file, fsynced in groups, read again at start.
// It is the proof that an attempt began and how it ended, so tests and support read it too (`readLedger`).
import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import * as v from 'valibot';
import { attemptEndSchema } from '../scheduler/protocol/agentWire.ts';
import { taskIdSchema, tokenSchema, tokensSchema, whole } from './hubMessages.ts';

export const ledgerFileName = 'ledger.ndjson';
/** Above this the file is rewritten with what is still known: the last tokens and every result not acknowledged. */
const ledgerBytesMax = 16 * 1024 * 1024;

const attemptFields = { at: whole, token: tokenSchema, taskId: taskIdSchema, attempt: whole };
const entrySchema = v.variant('kind', [
  /** Durable before the work is started. */
  v.object({ kind: v.literal('start'), ...attemptFields }),
  /** Which process group carries it; written at once, not fsynced, since a power cut ends the process as well. */
  v.object({
    kind: v.literal('process'),
    at: whole,
    token: tokenSchema,
    pid: whole,
    startTicks: v.optional(whole),
    boot: v.optional(v.string()),
  }),
  /** Durable before it is reported. Exactly one per attempt. */
  v.object({ kind: v.literal('result'), ...attemptFields, end: attemptEndSchema }),
  /** The hub has the results. */
  v.object({ kind: v.literal('ack'), at: whole, tokens: tokensSchema }),
  /** The hub took the attempts away: nothing more is reported of them. */
  v.object({ kind: v.literal('revoked'), at: whole, tokens: tokensSchema }),
]);
export type LedgerEntry = v.InferOutput<typeof entrySchema>;

export interface LedgerRead {
  readonly entries: readonly LedgerEntry[];
  /** Lines that were skipped because they are no entry. */
  readonly corruptLines: number;
  /** The last line was cut by a crash; it counts as never written. */
  readonly hasTornTail: boolean;
}

/** Reads a ledger file as it is, also while its agent runs. A missing file is an empty ledger. */
export function readLedger(path: string): LedgerRead {
  const text = readIfThere(path);
  const lines = text.split('\n');
  const tail = lines.pop() ?? '';
  const entries: LedgerEntry[] = [];
  let corruptLines = 0;
  for (const line of lines) {
    const entry = parseEntry(line);
    if (entry) entries.push(entry);
    else corruptLines += 1;
  }
  return { entries, corruptLines, hasTornTail: tail !== '' };
}

/** What the outbox needs of a ledger; virtual agents use one without a disk. */
export interface LedgerPort {
  /** Puts an entry into the file, not yet durable. Throws where the disk refuses. */
  readonly append: (entry: LedgerEntry) => void;
  /** Resolves when everything appended so far is durable. Calls of one event-loop turn share one fsync. */
  readonly durable: () => Promise<void>;
  readonly isLarge: () => boolean;
  /** Replaces the whole content, durable on return. */
  readonly compact: (entries: readonly LedgerEntry[]) => void;
}

export const memoryLedger: LedgerPort = {
  append: () => undefined,
  durable: () => Promise.resolve(),
  isLarge: () => false,
  compact: () => undefined,
};

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class Ledger implements LedgerPort {
  readonly #path: string;
  readonly #bytesMax: number;
  #fd: number;
  #bytes: number;
  #compactedBytes = 0;
  #waiting: Waiter[] = [];
  #isSyncing = false;
  readonly #retired: number[] = [];
  #hasTornLine = false;
  /** Number of fsyncs so far: shows that they are shared. */
  syncs = 0;

  constructor(path: string, bytesMax: number = ledgerBytesMax) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#bytes = wholeLinesLength(path);
    this.#fd = openSync(path, 'a', 0o600);
    ftruncateSync(this.#fd, this.#bytes);
    syncFolder(dirname(path));
  }

  append(entry: LedgerEntry): void {
    // After a write that failed half way, a newline keeps the damage to that one line.
    const line = `${this.#hasTornLine ? '\n' : ''}${JSON.stringify(entry)}\n`;
    this.#hasTornLine = true;
    this.#bytes += writeWhole(this.#fd, line);
    this.#hasTornLine = false;
  }

  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      if (this.#isSyncing) return;
      this.#isSyncing = true;
      setImmediate(() => {
        this.#sync();
      });
    });
  }

  isLarge(): boolean {
    return this.#bytes > Math.max(this.#bytesMax, 2 * this.#compactedBytes);
  }

  compact(entries: readonly LedgerEntry[]): void {
    const draft = `${this.#path}.new`;
    const fd = openSync(draft, 'w', 0o600);
    const written = writeWhole(fd, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    fsyncSync(fd);
    renameSync(draft, this.#path);
    syncFolder(dirname(this.#path));
    // `fd` was opened to write at its position, which is the end: it goes on as the ledger.
    this.#retired.push(this.#fd);
    this.#fd = fd;
    this.#bytes = written;
    this.#compactedBytes = written;
    if (!this.#isSyncing) this.#closeRetired();
  }

  close(): void {
    this.#closeRetired();
    closeSync(this.#fd);
  }

  /** Never while an fsync is under way: its number could be given to another file. */
  #closeRetired(): void {
    for (const fd of this.#retired.splice(0)) closeSync(fd);
  }

  #sync(): void {
    const group = this.#waiting;
    this.#waiting = [];
    this.syncs += 1;
    fdatasync(this.#fd, (error) => {
      for (const waiter of group) {
        if (error) waiter.reject(error);
        else waiter.resolve();
      }
      this.#closeRetired();
      if (this.#waiting.length > 0) this.#sync();
      else this.#isSyncing = false;
    });
  }
}

function parseEntry(line: string): LedgerEntry | undefined {
  try {
    const read = v.safeParse(entrySchema, JSON.parse(line));
    return read.success ? read.output : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}

/** Bytes up to the end of the last whole line: what a torn tail is cut to. */
function wholeLinesLength(path: string): number {
  return Buffer.byteLength(readIfThere(path).replace(/[^\n]*$/, ''));
}

function writeWhole(fd: number, text: string): number {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done);
  return done;
}

/** Makes a new or renamed file's name durable. Windows cannot open folders and does not need it. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

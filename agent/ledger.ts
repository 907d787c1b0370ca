// The agent's own record of what it ran: an append-only NDJSON file, fsynced in groups, read again at start.
// It is the proof that an attempt began and how it ended, so tests and support read it too (`readLedger`).
import {
  closeSync,
  constants,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type DamagedLine, type LedgerEntry, ledgerLine, readLedgerLine } from './ledgerLine.ts';

export const ledgerFileName = 'ledger.ndjson';
/** Above this the file is rewritten with what is still known: the last tokens and every result not acknowledged. */
const ledgerBytesMax = 16 * 1024 * 1024;
/** Damaged files that were set aside and are kept for support; a disk that damages more has told enough. */
const damagedFilesKept = 5;
/** Damaged lines for which a flipped bit is searched, 10 ms each: a file of rubbish must not hold up the start. */
const mendedLinesMax = 100;
const closingBrace = 0x7d;

export interface LedgerRead {
  readonly entries: readonly LedgerEntry[];
  /** Lines that are not as they were written. What is whole in them is among the entries. */
  readonly damaged: readonly DamagedLine[];
  /** The last line was cut by a crash; it counts as never written. */
  readonly hasTornTail: boolean;
}

/** Reads a ledger file as it is, also while its agent runs. A missing file is an empty ledger. */
export function readLedger(path: string): LedgerRead {
  const bytes = readIfThere(path);
  const entries: LedgerEntry[] = [];
  const damaged: DamagedLine[] = [];
  let from = 0;
  let line = 1;
  for (; ; line += 1) {
    const end = bytes.indexOf(0x0a, from);
    if (end < 0) break;
    const read = readLedgerLine(bytes.subarray(from, end), line, damaged.length < mendedLinesMax);
    entries.push(...read.entries);
    if (read.damaged) damaged.push(read.damaged);
    from = end + 1;
  }
  const tail = bytes.subarray(from);
  // A whole entry and one byte more is no torn line: that byte was its newline.
  const last = tail.at(-1) === closingBrace ? undefined : readLedgerLine(tail, line, false);
  if (!last || last.entries.length === 0 || last.damaged)
    return { entries, damaged, hasTornTail: tail.length > 0 };
  entries.push(...last.entries);
  damaged.push({ line, tokens: [] });
  return { entries, damaged, hasTornTail: false };
}

/** What the outbox needs of a ledger; virtual agents use one without a disk. */
export interface LedgerPort {
  /** Puts an entry into the file, not yet durable. Throws where the disk refuses; then nothing of it is in the file. */
  readonly append: (entry: LedgerEntry) => void;
  /** Resolves when everything appended so far is durable. Calls of one event-loop turn share one fsync. */
  readonly durable: () => Promise<void>;
  readonly isLarge: () => boolean;
  /** Replaces the whole content, durable on return. Throws where the disk refuses; then the old content stands. */
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
  #isDamaged = false;
  readonly #retired: number[] = [];
  /** Number of fsyncs so far: shows that they are shared. */
  syncs = 0;

  constructor(path: string, bytesMax: number = ledgerBytesMax) {
    this.#path = path;
    this.#bytesMax = bytesMax;
    this.#bytes = readIfThere(path).lastIndexOf(0x0a) + 1;
    this.#fd = openSync(path, constants.O_RDWR | constants.O_CREAT, 0o600);
    ftruncateSync(this.#fd, this.#bytes);
    fsyncSync(this.#fd);
    syncFolder(dirname(path));
  }

  append(entry: LedgerEntry): void {
    try {
      this.#bytes += writeWhole(this.#fd, ledgerLine(entry), this.#bytes);
    } catch (error) {
      // Half a line would be damage, and the next one must begin where this one did.
      ftruncateSync(this.#fd, this.#bytes);
      throw error;
    }
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

  /** The file has damaged lines: the next compaction keeps it beside the new one, named after its time. */
  markDamaged(): void {
    this.#isDamaged = true;
  }

  compact(entries: readonly LedgerEntry[]): void {
    const draft = `${this.#path}.new`;
    const fd = openSync(draft, 'w', 0o600);
    let written: number;
    try {
      written = writeWhole(fd, entries.map(ledgerLine).join(''), 0);
      fsyncSync(fd);
      if (this.#isDamaged) this.#setAside();
      renameSync(draft, this.#path);
    } catch (error) {
      closeSync(fd);
      rmSync(draft, { force: true });
      throw error;
    }
    syncFolder(dirname(this.#path));
    this.#isDamaged = false;
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

  /** As a second name of the file, which the rename then leaves behind. */
  #setAside(): void {
    const time = new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '');
    const prefix = `${basename(this.#path)}.damaged-`;
    const folder = dirname(this.#path);
    const earlier = readdirSync(folder).filter((name) => name.startsWith(prefix));
    for (const name of earlier.sort().slice(0, -damagedFilesKept + 1)) rmSync(join(folder, name));
    rmSync(join(folder, prefix + time), { force: true });
    linkSync(this.#path, join(folder, prefix + time));
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

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  }
}

function writeWhole(fd: number, text: string, position: number): number {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  return done;
}

/** Makes a new or renamed file's name durable. Windows cannot open folders and does not need it. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  fsyncSync(fd);
  closeSync(fd);
}

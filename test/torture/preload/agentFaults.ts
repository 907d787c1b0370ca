// Loaded into an agent's process: notes how much of its ledger is durable, so that a power cut may take the rest.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { rigFolder, shiftClock } from './clock.ts';
import { rewriteSources } from './rewrite.ts';

/** An order to the disk of the ledger. */
export type LedgerOrder =
  /** The power goes right after the next flush, before anybody is told. */
  | { readonly kind: 'kill' }
  /** Holds until the file is gone. */
  | { readonly kind: 'full' };

const markFile = join(rigFolder(), 'mark');
const orderFile = join(rigFolder(), 'order');

shiftClock();
const scale = Number(process.env['MILLRACE_RIG_SCALE'] ?? '1');
// Agents come back as soon, in proportion, as the host's scaled leases let them.
rewriteSources([
  {
    file: '/agent/retryDelay.ts',
    from: /minMs: 1_000, maxMs: 5_000, slowMs: 10_000/,
    to: `minMs: ${1_000 * scale}, maxMs: ${5_000 * scale}, slowMs: ${10_000 * scale}`,
  },
]);
noteSyncs();

function noteSyncs(): void {
  const { fdatasync, fsyncSync, fdatasyncSync, writeSync } = fs;
  const noted = <Result>(fd: number, sync: () => Result): Result => {
    const bytes = ledgerBytes(fd);
    const result = sync();
    note(bytes);
    return result;
  };
  const patched = {
    fdatasync: (fd: number, done: fs.NoParamCallback) => {
      const bytes = ledgerBytes(fd);
      fdatasync(fd, (error) => {
        if (bytes !== undefined && orderKind() === 'kill') process.kill(process.pid, 'SIGKILL');
        if (!error) note(bytes);
        done(error);
      });
    },
    fsyncSync: (fd: number) => {
      noted(fd, () => {
        fsyncSync(fd);
      });
    },
    fdatasyncSync: (fd: number) => {
      noted(fd, () => {
        fdatasyncSync(fd);
      });
    },
  };
  const fullWrite = (fd: number, ...rest: unknown[]): number => {
    if (orderKind() === 'full' && ledgerBytes(fd) !== undefined)
      throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    return (writeSync as (...given: unknown[]) => number)(fd, ...rest);
  };
  Object.assign(fs, patched, { writeSync: fullWrite });
  syncBuiltinESMExports();
}

function orderKind(): LedgerOrder['kind'] | undefined {
  try {
    return (JSON.parse(fs.readFileSync(orderFile, 'utf8')) as LedgerOrder).kind;
  } catch {
    return undefined;
  }
}

/** Size of the ledger where `fd` is the ledger: what a sync that begins now makes durable. */
function ledgerBytes(fd: number): number | undefined {
  const path = fs.readlinkSync(`/proc/self/fd/${fd}`);
  return path.endsWith('ledger.ndjson') ? fs.fstatSync(fd).size : undefined;
}

const markHandle = fs.openSync(markFile, fs.constants.O_RDWR | fs.constants.O_CREAT);

/** In one write of fixed width, so that a kill in between leaves a whole number. */
function note(bytes: number | undefined): void {
  if (bytes !== undefined) fs.writeSync(markHandle, String(bytes).padStart(12, '0'), 0);
}

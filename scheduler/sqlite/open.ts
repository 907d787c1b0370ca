// Opens one of our SQLite files, or says why not. The only place that opens SQLite; a file that is not ours, or is of
// a newer version, is left as it was.
import { accessSync, closeSync, constants, existsSync, mkdirSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Database, isNewEnough, loadDriver, versionMinText } from './driver.ts';
import { type FaultCause, faultOf, type StorageFault } from './fault.ts';

export interface OpenOptions {
  readonly path: string;
  /** Marks the file as ours, of this kind (PRAGMA application_id). */
  readonly applicationId: number;
  /** Scripts that bring an empty file to the present schema. The file's version counts those it has had. */
  readonly migrations: readonly string[];
  /**
   * FULL: a commit is on the disk when it returns. NORMAL: the last commits may go with the power, in order. OFF:
   * whoever makes the file flushes it before anybody relies on it.
   */
  readonly synchronous: 'FULL' | 'NORMAL' | 'OFF';
  /** True: no other process can open the file while this connection lives. */
  readonly isExclusive?: boolean;
  /** True: reads a file that another connection of this process has open for writing. */
  readonly isReader?: boolean;
  /** True: a new file can give room back to the disk (PRAGMA incremental_vacuum). One that exists stays as it is. */
  readonly isShrinkable?: boolean;
  /** True: for a file that is new and thrown away where its making fails; it can be opened with a log later. */
  readonly isWithoutLog?: boolean;
  /** The log is cut to this size once its content is in the file. */
  readonly logBytesMax?: number;
  /** Pages in the log after which a commit moves them into the file. Absent: 1,000, as SQLite has it. */
  readonly checkpointPages?: number;
  /** Bounds the file, in pages of 4 KiB; beyond it SQLite answers as on a full disk. */
  readonly pagesMax?: number | undefined;
}
export type Opened =
  { readonly ok: true; readonly value: Database } | { readonly ok: false; readonly reason: StorageFault };

/** How long to wait for a host that is just ending, in milliseconds. */
const busyTimeoutMs = 2_000;

export function openDatabase(options: OpenOptions): Opened {
  const fault = faultOfFolder(options) ?? faultOfHeader(options) ?? faultOfRights(options);
  if (fault) return { ok: false, reason: fault };
  let database: Database | undefined;
  try {
    const { DatabaseSync } = loadDriver();
    database = new DatabaseSync(options.path, {
      readOnly: options.isReader ?? false,
      timeout: busyTimeoutMs,
    });
    const refused = prepare(database, options);
    if (!refused) return { ok: true, value: database };
    database.close();
    return { ok: false, reason: refused };
  } catch (error) {
    if (database?.isOpen) database.close();
    return { ok: false, reason: faultOf(error, options.path) };
  }
}

/** Runs `work` in one transaction: all of it, or nothing where it throws. */
export function inTransaction<Result>(database: Database, work: () => Result): Result {
  database.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    database.exec('COMMIT');
    return result;
  } catch (error) {
    // A full disk may have ended the transaction already.
    if (database.isTransaction) database.exec('ROLLBACK');
    throw error;
  }
}

const faultWith = (cause: FaultCause, message: string): StorageFault => ({ cause, message });

/** Checks and settings of a fresh connection, in the order that leaves a file which is not ours untouched. */
function prepare(database: Database, options: OpenOptions): StorageFault | undefined {
  const sqliteVersion = String(firstValue(database, 'SELECT sqlite_version()'));
  if (!isNewEnough(sqliteVersion))
    return faultWith(
      'old_sqlite',
      `SQLite ${sqliteVersion} is too old for ${options.path}: at least ${versionMinText} is needed; update Node`,
    );
  if (options.isExclusive) database.exec('PRAGMA locking_mode = EXCLUSIVE');
  const fault = faultOfVersion(database, options);
  if (fault) return fault;
  if (options.isReader) return undefined;
  const version = versionOf(database);
  setUp(database, options, version);
  // In the rollback mode of a new file, so that the header names its owner before any WAL exists.
  migrate(database, options, version);
  if (options.isWithoutLog) return undefined;
  const mode = firstValue(database, 'PRAGMA journal_mode = WAL');
  if (mode !== 'wal')
    return faultWith('io_error', `${options.path}: this disk cannot hold a write-ahead log`);
  return undefined;
}

function setUp(database: Database, options: OpenOptions, version: number): void {
  const { pagesMax, checkpointPages, logBytesMax, synchronous } = options;
  if (pagesMax !== undefined) database.exec(`PRAGMA max_page_count = ${pagesMax}`);
  if (checkpointPages !== undefined) database.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`);
  if (logBytesMax !== undefined) database.exec(`PRAGMA journal_size_limit = ${logBytesMax}`);
  database.exec(`PRAGMA synchronous = ${synchronous}`);
  if (options.isWithoutLog) database.exec('PRAGMA journal_mode = OFF');
  // Counts only before the first table.
  if (options.isShrinkable && version === 0) database.exec('PRAGMA auto_vacuum = INCREMENTAL');
}

const versionOf = (database: Database): number => Number(firstValue(database, 'PRAGMA user_version'));

/** Why a file that is ours cannot be read by this program, where it is of a newer version. */
export function faultOfVersion(
  database: Database,
  { path, migrations }: Pick<OpenOptions, 'path' | 'migrations'>,
): StorageFault | undefined {
  const version = versionOf(database);
  if (version <= migrations.length) return undefined;
  return faultWith(
    'newer',
    `${path} has version ${version}, written by a newer Millrace; this one knows ${migrations.length}: ` +
      'start the newer version, or choose another data folder',
  );
}

function migrate(database: Database, options: OpenOptions, version: number): void {
  const missing = options.migrations.slice(version);
  if (missing.length === 0) return;
  inTransaction(database, () => {
    database.exec(`PRAGMA application_id = ${options.applicationId}`);
    for (const script of missing) database.exec(script);
    database.exec(`PRAGMA user_version = ${options.migrations.length}`);
  });
}

function firstValue(database: Database, sql: string): unknown {
  return Object.values(database.prepare(sql).get() ?? {})[0];
}

function faultOfFolder(options: OpenOptions): StorageFault | undefined {
  if (options.isReader) return undefined;
  const folder = dirname(options.path);
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return faultWith(
      'read_only',
      `folder ${folder} cannot be written, so ${options.path} cannot be kept there: give this user the right to ` +
        `write, or choose another data folder (${text})`,
    );
  }
}

/** SQLite opens a file without the right to write all the same; the first write would be too late to say so. */
function faultOfRights({ path, isReader }: OpenOptions): StorageFault | undefined {
  if (isReader || !existsSync(path)) return undefined;
  try {
    accessSync(path, constants.W_OK);
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return faultWith(
      'read_only',
      `${path} cannot be written: give this user the right to write file and folder (${text})`,
    );
  }
}

const magic = 'SQLite format 3\0';
/** Where the header of a database holds its application id, https://sqlite.org/fileformat.html. */
const applicationIdOffset = 68;

/** Looks at the file without SQLite, which would replay another program's log on opening. */
export function faultOfHeader({
  path,
  applicationId,
}: Pick<OpenOptions, 'path' | 'applicationId'>): StorageFault | undefined {
  let header: Buffer;
  try {
    header = readHeader(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    const text = error instanceof Error ? error.message : String(error);
    return faultWith('cannot_open', `${path} cannot be read: give this user the right to read it (${text})`);
  }
  if (header.length === 0) return undefined;
  if (header.length < 100 || header.toString('latin1', 0, 16) !== magic)
    return faultWith(
      'not_a_database',
      `${path} is not a database: move the file away, or choose another data folder`,
    );
  if (header.readInt32BE(applicationIdOffset) === applicationId) return undefined;
  return faultWith(
    'foreign',
    `${path} is a database of another program: move the file away, or choose another data folder`,
  );
}

/** The first 100 bytes, or fewer where the file is shorter. */
function readHeader(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const header = Buffer.alloc(100);
    return header.subarray(0, readSync(file, header, 0, 100, 0));
  } finally {
    closeSync(file);
  }
}

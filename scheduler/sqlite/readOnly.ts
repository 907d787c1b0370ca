// Opens one of our SQLite files to read it while nobody else has it, and leaves the folder as it was.
import { existsSync, rmSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Database, loadDriver } from './driver.ts';
import { type FaultCause, faultOf, type StorageFault } from './fault.ts';
import { faultOfHeader, faultOfVersion } from './open.ts';

export interface ReadOptions {
  readonly path: string;
  readonly applicationId: number;
  readonly migrations: readonly string[];
}
export interface ReadOnly {
  readonly database: Database;
  /** Takes away what reading has put beside the file. Nobody else can use the file before this returns. */
  readonly close: () => void;
}
export type OpenedToRead =
  { readonly ok: true; readonly value: ReadOnly } | { readonly ok: false; readonly reason: StorageFault };

/** How long to wait for a host that is just ending, in milliseconds. */
const busyTimeoutMs = 1_000;

/** Refuses `in_use` where a host has the file, and `cannot_open` where there is none. */
export function openReadOnly(options: ReadOptions): OpenedToRead {
  const { path } = options;
  if (!existsSync(path)) return refusedWith('cannot_open', `there is no ${path}`);
  const fault = faultOfHeader(options);
  if (fault) return { ok: false, reason: fault };
  const beside = [`${path}-wal`, `${path}-shm`].filter((file) => !existsSync(file));
  const opened = tryToOpen(options, path, beside);
  // In a folder that cannot be written SQLite has no place for its index of the log; without a log it needs none.
  const isWithoutLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) === 0;
  if (opened.ok || opened.reason.cause !== 'cannot_open' || !isWithoutLog) return opened;
  return tryToOpen(options, `${pathToFileURL(path).href}?immutable=1`, []);
}

/** `beside`: files that are not there now and that reading may put there. */
function tryToOpen(options: ReadOptions, place: string, beside: readonly string[]): OpenedToRead {
  let database: Database | undefined;
  const close = (opened: Database): void => {
    // While our lock still keeps writers out: afterwards such a file could be theirs.
    for (const file of beside) rmSync(file, { force: true });
    opened.close();
  };
  try {
    const opened = new (loadDriver().DatabaseSync)(place, { readOnly: true, timeout: busyTimeoutMs });
    database = opened;
    const fault = faultOfVersion(opened, options);
    if (fault) {
      close(opened);
      return { ok: false, reason: fault };
    }
    return {
      ok: true,
      value: {
        database: opened,
        close: () => {
          close(opened);
        },
      },
    };
  } catch (error) {
    if (database?.isOpen) database.close();
    return { ok: false, reason: faultOf(error, options.path) };
  }
}

const refusedWith = (cause: FaultCause, message: string): OpenedToRead => ({
  ok: false,
  reason: { cause, message },
});

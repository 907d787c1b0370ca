// Chooses the SQLite that this runtime has: node:sqlite where it is built in (Node 24, Electron 45), else the package
// @photostructure/sqlite, which has the same interface. Both stay outside bundles.
import { createRequire } from 'node:module';
import type * as sqlite from 'node:sqlite';

export type Database = sqlite.DatabaseSync;
export type Statement = sqlite.StatementSync;
type Driver = Pick<typeof sqlite, 'DatabaseSync' | 'backup'>;

/** 3.51.3 repairs a race of WAL checkpoints with writers that could damage a database. */
const versionMin = [3, 51, 3] as const;

let chosen: Driver | undefined;

export function loadDriver(): Driver {
  // A bundle is CommonJS and has no import.meta; a source file is a module and has no __filename.
  const require = createRequire(typeof __filename === 'string' ? __filename : import.meta.url);
  chosen ??= hasBuiltIn(require)
    ? (require('node:sqlite') as Driver)
    : (require('@photostructure/sqlite') as Driver);
  return chosen;
}

function hasBuiltIn(require: NodeJS.Require): boolean {
  try {
    return require.resolve('node:sqlite') === 'node:sqlite';
  } catch {
    return false;
  }
}

/** True from 3.51.3 on. */
export function isNewEnough(version: string): boolean {
  const parts = version.split('.').map(Number);
  for (const [place, min] of versionMin.entries()) {
    const part = parts[place] ?? 0;
    if (part !== min) return part > min;
  }
  return true;
}
export const versionMinText = versionMin.join('.');

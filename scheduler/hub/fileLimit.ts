// How many files, sockets included, this process may have open: read once, at start.
import { readFileSync } from 'node:fs';
import * as limits from '../protocol/limits.ts';

/** Where the system sets no limit (Windows): as many as a full plant needs. */
const unlimited = limits.nodesMax + limits.consoleClientsMax + limits.fileReserve;

export function readFileLimit(): number {
  const fromProc = softLimitOf(procLimits());
  if (fromProc !== undefined) return fromProc;
  const report: unknown = process.platform === 'win32' ? undefined : process.report.getReport();
  return openFilesOf(report) ?? unlimited;
}

/** `Max open files            20000                20000                files` */
export function softLimitOf(procText: string): number | undefined {
  const soft = /^Max open files\s+(\d+|unlimited)/m.exec(procText)?.[1];
  if (soft === undefined) return undefined;
  return soft === 'unlimited' ? unlimited : Math.min(Number(soft), unlimited);
}

function procLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    return ''; // not Linux: the report knows
  }
}

function openFilesOf(report: unknown): number | undefined {
  const soft = property(property(property(report, 'userLimits'), 'open_files'), 'soft');
  return typeof soft === 'number' ? Math.min(soft, unlimited) : undefined;
}

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && name in value
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

// Loaded before a program of a trial: its wall clock runs as far off as the trial says. The monotonic clock stays right.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A jump is felt within this time. */
const pollMs = 50;

export const rigFolder = (): string => {
  const folder = process.env['MILLRACE_RIG'];
  if (folder === undefined)
    throw new Error('MILLRACE_RIG is not set: this file is loaded by the torture rig');
  return folder;
};

export function shiftClock(): void {
  const file = join(rigFolder(), 'clock');
  let offsetMs = readOffset(file);
  setInterval(() => {
    offsetMs = readOffset(file);
  }, pollMs).unref();
  const plainNow = Date.now;
  const Plain = Date;
  const now = (): number => plainNow() + offsetMs;
  globalThis.Date = new Proxy(Plain, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as Date,
    get: (target, name, receiver) =>
      name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown),
  });
}

function readOffset(file: string): number {
  try {
    return Number(readFileSync(file, 'utf8'));
  } catch {
    return 0;
  }
}

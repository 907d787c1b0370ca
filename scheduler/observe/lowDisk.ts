// DISK_LOW: little is free on the data folder's disk. Once nothing is, the journal cannot be written and the host ends.
import type { Alarms } from './alarms.ts';
import { lowDiskBytes } from '../protocol/limits.ts';
import { Hysteresis } from './hysteresis.ts';

const mebibyte = 1024 * 1024;
/** Good again only well above: retention that gives back a little is not the end of it. */
const goodDiskBytes = lowDiskBytes * 1.5;
const source = 'disk';

export class LowDisk {
  readonly #alarms: Pick<Alarms, 'raise' | 'clear'>;
  readonly #folder: string;
  readonly #state = new Hysteresis({ raiseAfterMs: 10_000, clearAfterMs: 60_000 });
  #isRaised = false;

  constructor(alarms: Pick<Alarms, 'raise' | 'clear'>, folder: string) {
    this.#alarms = alarms;
    this.#folder = folder;
  }

  /** To be called every few seconds. */
  check(freeBytes: number, nowMs: number): void {
    const reading = freeBytes < lowDiskBytes ? 'bad' : freeBytes < goodDiskBytes ? 'between' : 'good';
    const isRaised = this.#state.update(nowMs, reading);
    const [freeMiB, limitMiB] = [Math.floor(freeBytes / mebibyte), lowDiskBytes / mebibyte];
    const params = { freeMiB, limitMiB, folder: this.#folder };
    if (isRaised) this.#alarms.raise({ code: 'DISK_LOW', source, params });
    else if (this.#isRaised) this.#alarms.clear('DISK_LOW', source);
    this.#isRaised = isRaised;
  }
}

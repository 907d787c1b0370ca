// How many joins may be under way: a part of a second's, and few while this event loop or the host's is late.
import * as limits from '../protocol/limits.ts';

/** Loops later than this have too much to do: an operator would notice. */
const lateMs = 90;
/** Joins begun take so long where the machine has time; more under way would only wait inside. */
const joinMs = 300;

export class JoinRoom {
  /** Joins that are planned per second, of this process. */
  readonly perSecond: number;
  #ownLateMs = 0;
  #hostLateMs = 0;
  #saidLateMs = 0;

  /** `share`: this process's part of the plant's joins, 0 to 1. */
  constructor(share: number) {
    this.perSecond = limits.returnsPerSecondMax * share;
  }

  /** Never none: progress is certain, however late the loops are and whatever made them so. */
  get inFlightMax(): number {
    if (Math.max(this.#ownLateMs, this.#hostLateMs) > lateMs) return limits.joinsInFlightMin;
    return Math.max(2 * limits.joinsInFlightMin, (this.perSecond * joinMs) / 1_000);
  }

  /** The host's loop and journal, told over the link as often as they are late. */
  heardOfHost(hostLateMs: number): void {
    this.#saidLateMs = Math.max(this.#saidLateMs, hostLateMs);
  }

  /** Once per `paceEveryMs`: how late the loop ran at most since. */
  measured(ownLateMs: number): void {
    this.#ownLateMs = ownLateMs;
    this.#hostLateMs = this.#saidLateMs;
    this.#saidLateMs = 0;
  }
}

/** Between two measurements. */
export const paceEveryMs = 250;
/** Below it a host's loop is in time for everybody. */
export const tellLateMs = 30;

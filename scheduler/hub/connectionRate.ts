// Messages and bytes of one connection: over its rate it is read more slowly, and closed where that does not end.
import {
  bytesBurstMax,
  bytesPerSecondMax,
  messagesBurstMax,
  messagesPerSecondMax,
  overRateMsMax,
} from '../protocol/limits.ts';

/** Below it a pause would cost more than it saves. */
const pauseMsMin = 1;
/** No single pause is longer: pings have to be answered, and heartbeats heard. */
const pauseMsMax = 1_000;

/** One object of four numbers: there are 50,000 of it. */
export class ConnectionRate {
  /** What was read is paid for by then. */
  #messagesPaidMs = Number.NEGATIVE_INFINITY;
  #bytesPaidMs = Number.NEGATIVE_INFINITY;
  #overSinceMs = 0;
  #lastOverMs = Number.NEGATIVE_INFINITY;

  /** Milliseconds for which nothing more should be read; `close`: it has been over its rate for too long. */
  take(bytes: number, nowMs: number): number | 'close' {
    this.#messagesPaidMs = paidMs(this.#messagesPaidMs, messagesBurstMax / messagesPerSecondMax, nowMs);
    this.#messagesPaidMs += 1_000 / messagesPerSecondMax;
    this.#bytesPaidMs = paidMs(this.#bytesPaidMs, bytesBurstMax / bytesPerSecondMax, nowMs);
    this.#bytesPaidMs += (bytes * 1_000) / bytesPerSecondMax;
    const overMs = Math.max(this.#messagesPaidMs, this.#bytesPaidMs) - nowMs;
    if (overMs < pauseMsMin) return 0;
    // A while without a pause is a break: what came before it is forgotten.
    if (nowMs - this.#lastOverMs > 2 * pauseMsMax) this.#overSinceMs = nowMs;
    this.#lastOverMs = nowMs;
    return nowMs - this.#overSinceMs >= overRateMsMax ? 'close' : Math.min(overMs, pauseMsMax);
  }
}

const paidMs = (beforeMs: number, burstS: number, nowMs: number): number =>
  Math.max(beforeMs, nowMs - burstS * 1_000);

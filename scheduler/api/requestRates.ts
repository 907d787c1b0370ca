// Requests per second of one address: who asks faster is told when to come again, before anything else is looked at.
import type { IncomingMessage } from 'node:http';
import type { Ms } from '../protocol/brands.ts';
import { countedAddressesMax, requestsBurstMax, requestsPerSecondMax } from '../protocol/rateLimits.ts';
import { Rate } from '../protocol/rate.ts';
import type { DoorRefusal } from './problem.ts';

export class RequestRates {
  readonly #clock: () => Ms;
  readonly #onLimited: (address: string, reason: DoorRefusal) => void;
  readonly #byAddress = new Map<string, Rate>();

  constructor(clock: () => Ms, onLimited: (address: string, reason: DoorRefusal) => void) {
    this.#clock = clock;
    this.#onLimited = onLimited;
  }

  /** Refuses `too_many`; nothing where the request may be answered. */
  refuse({ socket }: IncomingMessage): DoorRefusal | undefined {
    const { remoteAddress: address = '' } = socket;
    const retryAfterMs = this.#rateOf(address).ask(1, this.#clock());
    if (retryAfterMs === 0) return undefined;
    const most = `${requestsPerSecondMax} requests per second from ${address}`;
    const message = `more than ${most}; retry after ${retryAfterMs} ms`;
    const reason: DoorRefusal = { code: 'too_many', message, retryAfterMs };
    this.#onLimited(address, reason);
    return reason;
  }

  #rateOf(address: string): Rate {
    const found = this.#byAddress.get(address);
    if (found) return found;
    if (this.#byAddress.size >= countedAddressesMax)
      for (const oldest of this.#byAddress.keys()) if (this.#byAddress.delete(oldest)) break;
    const rate = new Rate(requestsPerSecondMax, requestsBurstMax);
    this.#byAddress.set(address, rate);
    return rate;
  }
}

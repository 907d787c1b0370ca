// When an agent connects again: after what it was told, or after a wait that grows.
import type { HubRefusal } from './hubMessages.ts';
import { recoveryOf } from './hubHealth.ts';
import { causeOf, isNotReady } from './hubSocket.ts';
import type { WriteLine } from './logLine.ts';
import { jittered, type RetryBounds, retryDefault, retryDelayMs } from './retryDelay.ts';

const slowCodes: readonly string[] = ['already_connected', 'wire_version', 'fleet_full', 'bad_message'];

/** The first port has just closed this connection: a moment, so that a storm of moves is none at the next port. */
const moveAfterMs = 100;
const placeJitterMs = 50;

export interface ReconnectOptions {
  readonly url: string;
  readonly retry: RetryBounds | undefined;
  readonly log: WriteLine;
  readonly connect: () => void;
}

export class Reconnect {
  readonly #options: ReconnectOptions;
  readonly #bounds: RetryBounds;
  #failures = 0;
  #returnAfterMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(options: ReconnectOptions) {
    this.#options = options;
    this.#bounds = options.retry ?? retryDefault;
  }

  /** A line that joined and was lost is no failure to connect: it comes back at the place it was given. */
  afterLoss(wasJoined: boolean): void {
    if (!wasJoined) this.#failures += 1;
    const placeMs = wasJoined ? this.#returnAfterMs : 0;
    this.#in(placeMs + retryDelayMs(this.#bounds, this.#failures, Math.random()));
  }

  /** It was handed another port: that is no failure either. */
  afterMove(): void {
    this.#in(jittered(moveAfterMs, Math.random()));
  }

  afterFailure(error: Error, refusal: HubRefusal | undefined): void {
    this.#failures += 1;
    if (isNotReady(error)) {
      void this.#awaitRecovery(error);
      return;
    }
    this.#options.log('warn', `no connection to the hub: ${refusal?.message ?? causeOf(error)}`, {
      code: refusal?.code,
    });
    this.#in(this.#delayAfter(refusal));
  }

  /** `returnAfterMs`: this agent's place among all, should the line be lost. */
  succeeded(returnAfterMs: number): void {
    this.#failures = 0;
    this.#returnAfterMs = returnAfterMs;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** A hub that is on its way takes us within seconds: asked again soon, however long it was away before. */
  async #awaitRecovery(error: Error): Promise<void> {
    const recovery = await recoveryOf(this.#options.url);
    if (this.#isClosed) return;
    if (recovery !== undefined) this.#failures = 0;
    this.#options.log('warn', recovery ?? `no connection to the hub: ${causeOf(error)}`);
    this.#in(retryDelayMs(this.#bounds, Math.max(0, this.#failures - 1), Math.random()));
  }

  #delayAfter(refusal: HubRefusal | undefined): number {
    // A place in the line is kept to: with jitter it would be another's.
    if (refusal?.code === 'later' && refusal.retryAfterMs !== undefined)
      return refusal.retryAfterMs + placeJitterMs * Math.random();
    if (refusal?.retryAfterMs !== undefined) return jittered(refusal.retryAfterMs, Math.random());
    if (refusal && slowCodes.includes(refusal.code)) return jittered(this.#bounds.slowMs, Math.random());
    return retryDelayMs(this.#bounds, this.#failures - 1, Math.random());
  }

  #in(delayMs: number): void {
    clearTimeout(this.#timer);
    if (!this.#isClosed) this.#timer = setTimeout(this.#options.connect, delayMs);
  }
}

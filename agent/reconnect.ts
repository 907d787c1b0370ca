// When an agent connects again: after what it was told, or after a wait that grows.
import type { HubRefusal } from './hubMessages.ts';
import { recoveryOf } from './hubHealth.ts';
import { causeOf, isNotReady } from './hubSocket.ts';
import { mayBeTls, speaksTls, withRemedy } from './tlsTrouble.ts';
import { isSecureUrl, type TlsLine } from './trust.ts';
import type { WriteLine } from './logLine.ts';
import { jittered, type RetryBounds, retryDefault, retryDelayMs } from './retryDelay.ts';

const slowCodes: readonly string[] = ['already_connected', 'wire_version', 'fleet_full', 'bad_message'];

/** The first port has just closed this connection: a moment, so that a storm of moves is none at the next port. */
const moveAfterMs = 100;
const placeJitterMs = 50;

export interface ReconnectOptions {
  readonly url: string;
  readonly tls: TlsLine | undefined;
  readonly retry?: RetryBounds;
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
  #hasAskedForTls = false;

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
    const why = refusal?.message ?? withRemedy(causeOf(error));
    this.#options.log('warn', `no connection to the hub: ${why}`, { code: refusal?.code });
    if (refusal === undefined) void this.#sayIfTls(causeOf(error));
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
    const recovery = await recoveryOf(this.#options.url, this.#options.tls);
    if (this.#isClosed) return;
    if (recovery !== undefined) this.#failures = 0;
    this.#options.log('warn', recovery ?? `no connection to the hub: ${causeOf(error)}`);
    this.#in(retryDelayMs(this.#bounds, Math.max(0, this.#failures - 1), Math.random()));
  }

  /** Once: a hub that is cut off in the same way is asked for nothing more. */
  async #sayIfTls(said: string): Promise<void> {
    const { url, log } = this.#options;
    if (this.#hasAskedForTls || isSecureUrl(url) || !mayBeTls(said)) return;
    this.#hasAskedForTls = true;
    if ((await speaksTls(url)) && !this.#isClosed)
      log(
        'error',
        'the hub speaks TLS: start the agent with https:// in place of http:// and an enrolment code',
      );
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

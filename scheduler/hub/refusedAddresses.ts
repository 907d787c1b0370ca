// Who was turned away, by address: counted, told to the audit trail once a minute and kind, named where it is often.
import type { RecordAudit } from '../protocol/audit.ts';
import type { Ms } from '../protocol/brands.ts';
import { countedAddressesMax, refusalsAlarmMin, refusedAddressesShown } from '../protocol/limits.ts';

const windowMs = 60_000;

export interface RefusedOften {
  readonly address: string;
  /** Within a minute. */
  readonly refusals: number;
}

interface Told {
  /** `rate_limited`, `agent_refused`. */
  readonly action: string;
  readonly address: string;
  /** Which limit or rule, for programs. */
  readonly code: string;
  readonly message: string;
  /** Who it is, where that is known. */
  readonly actor?: string;
}

interface Count {
  sinceMs: number;
  refusals: number;
  /** Kinds the trail has heard of within this minute. */
  readonly told: Set<string>;
}

export class RefusedAddresses {
  readonly #clock: () => Ms;
  readonly #audit: RecordAudit;
  readonly #byAddress = new Map<string, Count>();
  #limited = 0;
  #slowdowns = 0;

  constructor(clock: () => Ms, audit: RecordAudit) {
    this.#clock = clock;
    this.#audit = audit;
  }

  /** Connections, messages and requests over a limit, since the start. */
  get limited(): number {
    return this.#limited;
  }

  /** How often a connection was read more slowly, since the start. */
  get slowdowns(): number {
    return this.#slowdowns;
  }

  slowed(): void {
    this.#slowdowns += 1;
  }

  /** One refusal that somebody else tells the trail of. */
  add(address: string): void {
    this.#countOf(address).refusals += 1;
  }

  /** One refusal. The trail hears of the first of a minute and kind: who knocks on must not fill it. */
  tell({ action, address, code, message, actor = 'nobody' }: Told): void {
    if (action === 'rate_limited') this.#limited += 1;
    const count = this.#countOf(address);
    count.refusals += 1;
    if (count.told.has(code)) return;
    count.told.add(code);
    const details = { code, message };
    this.#audit({ action, actor, source: address, outcome: 'refused', targets: [], details });
  }

  /** Those refused often within a minute, the most often first. */
  often(): readonly RefusedOften[] {
    const sinceMs = this.#clock() - windowMs;
    const found: RefusedOften[] = [];
    for (const [address, count] of this.#byAddress)
      if (count.sinceMs > sinceMs && count.refusals >= refusalsAlarmMin)
        found.push({ address, refusals: count.refusals });
    return found.sort((a, b) => b.refusals - a.refusals).slice(0, refusedAddressesShown);
  }

  #countOf(address: string): Count {
    const nowMs = this.#clock();
    const found = this.#byAddress.get(address);
    if (found !== undefined && nowMs < found.sinceMs + windowMs) return found;
    this.#byAddress.delete(address);
    if (this.#byAddress.size >= countedAddressesMax)
      for (const oldest of this.#byAddress.keys()) if (this.#byAddress.delete(oldest)) break;
    const fresh: Count = { sinceMs: nowMs, refusals: 0, told: new Set() };
    this.#byAddress.set(address, fresh);
    return fresh;
  }
}

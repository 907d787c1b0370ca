// Leases of attempts that must never run twice at a time: each begins only when the hub has confirmed it, is renewed
// with every heartbeat, and is over so long after the last renewal. docs/adr/0037-autonomy.md has the argument.
import type { Dispatch } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { graceWithin } from '../scheduler/protocol/offlineLimits.ts';
import type { Standing } from './stillMine.ts';

/** The hub waits ten seconds longer than the lease, for this and for the kill. */
const lookEveryMs = 1_000;

export interface LeaseParts {
  /** Asks the hub, by way of a heartbeat that names the token. */
  readonly confirm: (token: Token) => Promise<Standing>;
  /** By the clock of `now`: when the newest message was sent by which the hub renewed the lease. */
  readonly renewedAtMs: (token: Token) => number | undefined;
  /** Milliseconds that also count while the machine sleeps. */
  readonly now: () => number;
  readonly isJoined: () => boolean;
  readonly run: (dispatch: Dispatch) => void;
  readonly stop: (tokens: readonly Token[]) => void;
  readonly refuse: (dispatch: Dispatch, message: string) => void;
  readonly leaseOver: (token: Token, message: string, graceMs: number) => void;
}
interface Waiting {
  readonly dispatch: Dispatch;
  isStopped: boolean;
}
interface Lease {
  readonly limitMs: number;
  readonly graceMs: number;
}

export class OfflineLeases {
  readonly #parts: LeaseParts;
  readonly #waiting = new Map<Token, Waiting>();
  readonly #held = new Map<Token, Lease>();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: LeaseParts) {
    this.#parts = parts;
  }

  /** Named by heartbeats, so that the hub renews them before they begin. */
  get waiting(): readonly Token[] {
    return [...this.#waiting.keys()];
  }
  /** To be renewed with each heartbeat. */
  get tokens(): readonly Token[] {
    return [...this.#held.keys()];
  }
  /** How long this attempt is the node's after its last renewal; undefined where it has no limit. */
  msOf(token: Token): number | undefined {
    const lease = this.#held.get(token);
    return lease && lease.limitMs - lease.graceMs;
  }

  /** Runs it once the hub has confirmed it. Without an answer it is left: the hub sends it again at the next join. */
  async begin(dispatch: Dispatch, offlineLimitMs: number): Promise<void> {
    const { token } = dispatch;
    if (this.#waiting.has(token)) return;
    if (this.#held.has(token)) {
      this.#parts.run(dispatch);
      return;
    }
    const waiting = { dispatch, isStopped: false };
    this.#waiting.set(token, waiting);
    const standing = await this.#parts.confirm(token);
    if (this.#waiting.get(token) !== waiting) return;
    this.#waiting.delete(token);
    if (standing === 'mine') this.#take(dispatch, offlineLimitMs);
    else if (standing === 'unknown' && this.#parts.isJoined())
      this.#parts.refuse(dispatch, 'the hub did not confirm the lease in time');
    if (standing === 'mine' && waiting.isStopped) this.#parts.stop([token]);
  }

  stop(tokens: readonly Token[]): void {
    for (const token of tokens) {
      const waiting = this.#waiting.get(token);
      if (waiting) waiting.isStopped = true;
    }
    this.#parts.stop(tokens);
  }

  /** The attempt has ended, or the hub took it away. */
  ended(token: Token): void {
    this.#waiting.delete(token);
    this.#held.delete(token);
    if (this.#held.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#waiting.clear();
  }

  #take(dispatch: Dispatch, limitMs: number): void {
    this.#held.set(dispatch.token, { limitMs, graceMs: graceWithin(limitMs, dispatch.graceMs) });
    // A look each second, not one timer per lease: a timer stands still while the machine sleeps.
    this.#timer ??= setInterval(() => {
      this.look();
    }, lookEveryMs);
    this.#parts.run(dispatch);
  }

  /** Begins to stop every attempt whose lease ends within its grace. */
  look(): void {
    const nowMs = this.#parts.now();
    for (const [token, { limitMs, graceMs }] of [...this.#held]) {
      const renewedAtMs = this.#parts.renewedAtMs(token);
      if (renewedAtMs !== undefined && nowMs < renewedAtMs + limitMs - graceMs) continue;
      const limit = `its offline limit of ${String(Math.round(limitMs / 1_000))} s`;
      const why =
        renewedAtMs === undefined
          ? 'the hub says that it is another node’s'
          : `the hub could not be reached for ${limit}`;
      this.ended(token);
      this.#parts.leaseOver(token, `stopped by its agent: ${why}`, graceMs);
    }
  }
}

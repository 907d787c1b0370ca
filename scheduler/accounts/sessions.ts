// Who is logged in: one session per login, by the hash of a random token. Soft state: a restart of the host logs out.
import { createHash, randomBytes } from 'node:crypto';
import * as limits from '../protocol/accountLimits.ts';
import type { Ms } from '../protocol/brands.ts';

/** Names a session inside the host; of no use outside. */
export type Ticket = string;

export interface Session {
  readonly user: string;
  readonly source: string;
  readonly sinceMs: number;
  usedAtMs: number;
}

export class Sessions {
  readonly #clock: () => Ms;
  /** The one that was idle longest first. */
  readonly #byTicket = new Map<Ticket, Session>();

  constructor(clock: () => Ms) {
    this.#clock = clock;
  }

  /** `token` goes to the window; only its hash stays here. */
  open(user: string, source: string): { readonly token: string; readonly ticket: Ticket } {
    const token = randomBytes(32).toString('base64url');
    const ticket = ticketOf(token);
    const nowMs = this.#clock();
    this.#byTicket.set(ticket, { user, source, sinceMs: nowMs, usedAtMs: nowMs });
    if (this.#byTicket.size > limits.sessionsMax) {
      const [oldest] = this.#byTicket.keys();
      if (oldest !== undefined) this.#byTicket.delete(oldest);
    }
    return { token, ticket };
  }

  /** Undefined where it ended, was idle for too long, or is older than a session may get. */
  look(ticket: Ticket): Session | undefined {
    const session = this.#byTicket.get(ticket);
    if (!session) return undefined;
    const nowMs = this.#clock();
    const isOver =
      nowMs - session.usedAtMs >= limits.sessionIdleMs || nowMs - session.sinceMs >= limits.sessionLongestMs;
    if (!isOver) return session;
    this.#byTicket.delete(ticket);
    return undefined;
  }

  /** As `look`, and it is not idle any more. */
  use(ticket: Ticket): Session | undefined {
    const session = this.look(ticket);
    if (!session) return undefined;
    session.usedAtMs = this.#clock();
    this.#byTicket.delete(ticket);
    this.#byTicket.set(ticket, session);
    return session;
  }

  end(ticket: Ticket): void {
    this.#byTicket.delete(ticket);
  }

  /** `except`: the one in which the user just changed the password. */
  endAllOf(user: string, except?: Ticket): void {
    for (const [ticket, session] of this.#byTicket)
      if (session.user === user && ticket !== except) this.#byTicket.delete(ticket);
  }

  countOf(user: string): number {
    let count = 0;
    for (const ticket of [...this.#byTicket.keys()]) if (this.look(ticket)?.user === user) count += 1;
    return count;
  }
}

/** 256 random bits need no slow hash: nobody finds them by trying. */
export const ticketOf = (token: string): Ticket => createHash('sha256').update(token).digest('base64url');

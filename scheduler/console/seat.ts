// One console's place: its link, and who sits there now. A login takes the place of who the link came as.
import type { ConsoleSession, WhoAmI } from '../protocol/accounts.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { AccountsPort } from './accountsPort.ts';

export class Seat implements ConsoleLink {
  readonly send: ConsoleLink['send'];
  readonly onMessage: ConsoleLink['onMessage'];
  readonly onClose: ConsoleLink['onClose'];
  readonly close: ConsoleLink['close'];
  readonly #link: ConsoleLink;
  readonly #accounts: AccountsPort;
  #ticket: string | undefined;
  #hasLeft = false;
  #told = '';
  /** Without a reply. */
  requests = 0;

  constructor(link: ConsoleLink, accounts: AccountsPort) {
    const { send, onMessage, onClose, close } = link;
    this.send = send;
    this.onMessage = onMessage;
    this.onClose = onClose;
    this.close = close;
    this.#link = link;
    this.#accounts = accounts;
    this.#told = this.#key();
  }

  /** As it is now: roles change and sessions end while a link is open. */
  get session(): ConsoleSession {
    const { session } = this.#link;
    const loggedIn = this.#ticket === undefined ? undefined : this.#accounts.look(this.#ticket);
    if (loggedIn) return loggedIn;
    if (!this.#hasLeft) return session;
    return { user: 'nobody', role: 'nobody', queues: [], source: session.source };
  }
  /** Written into commands and jobs. */
  get actor(): string {
    return this.session.user;
  }
  get ticket(): string | undefined {
    return this.#ticket;
  }
  get who(): WhoAmI {
    return { ...this.session, hasAccounts: this.#accounts.hasAccounts };
  }

  /** Its own window knows by the reply. */
  enter(ticket: string): void {
    this.#ticket = ticket;
    this.#told = this.#key();
  }
  leave(): void {
    if (this.#ticket !== undefined) this.#accounts.logout(this.#ticket);
    this.#ticket = undefined;
    this.#hasLeft = true;
    this.#told = this.#key();
  }
  /** A request came, or somebody who may only look is looking: a display on a wall asks for nothing. */
  use(): void {
    if (this.#ticket !== undefined) this.#accounts.use(this.#ticket);
  }

  /** Who sits here now, where the window has not been told yet. Told again until it could be sent. */
  news(): WhoAmI | undefined {
    const key = this.#key();
    if (key === this.#told) return undefined;
    const { who } = this;
    if (this.send({ push: 'session', who })) this.#told = key;
    return who;
  }

  #key(): string {
    return JSON.stringify(this.who);
  }
}

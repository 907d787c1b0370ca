// Who may come in: people by name and password, programs by a token, the owner of the data folder by the tokens in it,
// and, until there are accounts, whoever sits at the workstation. One place, for windows, browsers and programs.
import type {
  ApiTokenRow,
  ConsoleSession,
  LoggedIn,
  TokenDraft,
  UserDraft,
  UserRow,
} from '../protocol/accounts.ts';
import type { AuditAct, RecordAudit } from '../protocol/audit.ts';
import { type Ms, ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { AccountsFile, type StoredUser } from './accountsFile.ts';
import { ApiTokens } from './apiTokens.ts';
import { LoginFailures } from './loginFailures.ts';
import { PasswordHasher, type ScryptCost } from './passwords.ts';
import { nobody, ownerFrom } from './knownSessions.ts';
import { busy, lockedOut, sessionOver, wrongPassword } from './loginRefusals.ts';
import { type Session, Sessions, type Ticket, ticketOf } from './sessions.ts';
import { Users } from './users.ts';

export interface AccountsParts {
  readonly folder: string;
  readonly clock: () => Ms;
  readonly audit: RecordAudit;
  /** Whether it is the console token of the data folder; in constant time. */
  readonly isOwners: (token: string) => boolean;
  /** Keeps a new secret out of the log. Absent: there is no log. */
  readonly hide?: (secret: string) => void;
  /** Absent: the present one. */
  readonly cost?: ScryptCost;
}

/** A login that was taken: what goes to the window, and what the host knows the session by. */
export interface Entry extends Omit<LoggedIn, 'who'> {
  readonly ticket: Ticket;
  readonly session: ConsoleSession;
}
interface Typed {
  readonly user: string;
  readonly password: string;
}

export class Accounts {
  readonly #parts: AccountsParts;
  readonly #hasher: PasswordHasher;
  readonly #users: Users;
  readonly #tokens: ApiTokens;
  readonly #sessions: Sessions;
  readonly #failures: LoginFailures;
  readonly #lastLogins = new Map<string, Ms>();

  private constructor(parts: AccountsParts, file: AccountsFile) {
    this.#parts = parts;
    this.#hasher = new PasswordHasher(parts.cost);
    this.#users = new Users(file, this.#hasher, parts.clock);
    this.#tokens = new ApiTokens(file, parts.clock);
    this.#sessions = new Sessions(parts.clock);
    this.#failures = new LoginFailures(parts.clock);
  }

  /** Refuses `storage_failed` where users.json is damaged. */
  static open(parts: AccountsParts): Outcome<Accounts, Refusal> {
    const file = AccountsFile.open(parts.folder);
    return file.ok ? accepted(new Accounts(parts, file.value)) : file;
  }

  get hasAccounts(): boolean {
    return this.#users.hasAdministrator;
  }

  /** Who sits at the workstation: all rights until the first administrator was made, then nobody before a login. */
  atWindow(): ConsoleSession {
    if (this.hasAccounts) return nobody('window');
    return { user: 'local', role: 'administrator', queues: '*', source: 'window' };
  }

  /** By a token at the door; asked again for each request, since tokens end. Undefined: no such token. */
  byToken(token: string, source: string): (() => ConsoleSession) | undefined {
    if (this.#parts.isOwners(token)) {
      const owner = ownerFrom(source);
      return () => owner;
    }
    return this.byApiToken(token, source);
  }

  /** Of a program. */
  byApiToken(token: string, source: string): (() => ConsoleSession) | undefined {
    const hash = ticketOf(token);
    if (!this.#tokens.session(hash, source)) return undefined;
    return () => this.#tokens.session(hash, source) ?? nobody(source);
  }

  /**
   * Refuses `wrong_password` with the same words whoever it was, and `too_many` with the time to wait after too many
   * failures, or while too many passwords are looked at.
   */
  async login({ user, password }: Typed, source: string): Promise<Outcome<Entry, Refusal>> {
    const name = user.toLowerCase();
    const found = await this.#proven({ user: name, password }, source);
    if (!found.ok) return found;
    this.#audit({ action: 'login_ok', actor: name, source, outcome: 'done' });
    this.#lastLogins.set(name, this.#parts.clock());
    return accepted(this.#open(name, source));
  }

  /** A session that goes on in another connection of its window, or the owner's token. Refuses `not_logged_in`. */
  resume(token: string, source: string): Outcome<Entry, Refusal> {
    if (this.#parts.isOwners(token)) {
      this.#audit({ action: 'login_ok', actor: 'owner', source, outcome: 'done' });
      return accepted(this.#open('owner', source));
    }
    const ticket = ticketOf(token);
    const session = this.use(ticket);
    return session ? accepted({ token, ticket, session }) : refused(sessionOver);
  }

  /** Undefined where the session is over. Rights are those the user has now. */
  look(ticket: Ticket): ConsoleSession | undefined {
    return this.#sessionOf(this.#sessions.look(ticket));
  }
  /** As `look`; the session is in use. */
  use(ticket: Ticket): ConsoleSession | undefined {
    return this.#sessionOf(this.#sessions.use(ticket));
  }
  logout(ticket: Ticket): void {
    const session = this.#sessions.look(ticket);
    this.#sessions.end(ticket);
    if (session)
      this.#audit({ action: 'logged_out', actor: session.user, source: session.source, outcome: 'done' });
  }

  /** Of the user's own. Refuses as `login`, and `weak_password`. */
  async changePassword(
    ticket: Ticket,
    { old, next }: { readonly old: string; readonly next: string },
  ): Promise<Outcome<void, Refusal>> {
    const session = this.#sessions.look(ticket);
    if (!session) return refused(sessionOver);
    const { user, source } = session;
    const proven = await this.#proven({ user, password: old }, source);
    if (!proven.ok) return refused({ ...proven.reason, field: 'old' });
    if (old === next)
      return refused(refusal('weak_password', 'the new password is the old one', { field: 'next' }));
    const changed = await this.#users.setPassword(user, next, { mustChange: false, field: 'next' });
    if (!changed.ok) return changed;
    this.#sessions.endAllOf(user, ticket);
    this.#audit({ action: 'password_changed', actor: user, source, outcome: 'done' });
    return accepted(undefined);
  }

  listUsers(): readonly UserRow[] {
    return this.#users.all.map((user) => this.#rowOf(user));
  }
  async saveUser(draft: UserDraft): Promise<Outcome<UserRow, Refusal>> {
    const saved = await this.#users.save(draft);
    return saved.ok ? accepted(this.#rowOf(saved.value)) : saved;
  }
  removeUser(user: string): Outcome<void, Refusal> {
    const removed = this.#users.remove(user);
    if (removed.ok) this.#sessions.endAllOf(user);
    return removed;
  }
  async resetPassword({ user, password }: Typed): Promise<Outcome<void, Refusal>> {
    const reset = await this.#users.setPassword(user, password, { mustChange: true, field: 'password' });
    if (!reset.ok) return reset;
    this.#sessions.endAllOf(user);
    return accepted(undefined);
  }
  listTokens(): readonly ApiTokenRow[] {
    return this.#tokens.rows();
  }
  createToken(draft: TokenDraft, createdBy: string): ReturnType<ApiTokens['create']> {
    const made = this.#tokens.create(draft, createdBy);
    if (made.ok) this.#parts.hide?.(made.value.token);
    return made;
  }
  revokeToken(name: string): Outcome<void, Refusal> {
    return this.#tokens.revoke(name);
  }

  /** The user whose password this is. A failure is counted before the password is looked at, and taken back after. */
  async #proven({ user, password }: Typed, source: string): Promise<Outcome<StoredUser, Refusal>> {
    const waitMs = this.#failures.waitMs(user, source);
    if (waitMs > 0) return refused(lockedOut(waitMs));
    if (this.#hasher.isBusy) return refused(busy);
    this.#failures.add(user, source);
    const found = this.#users.find(user);
    const { matches, isOld } = await this.#hasher.verify(password, found?.password);
    if (!found || !matches || this.#users.find(user)?.password !== found.password)
      return refused(this.#failed(user, source));
    this.#failures.forgive(user, source);
    if (isOld) await this.#users.rehash(found, password);
    return accepted(found);
  }

  #failed(user: string, source: string): Refusal {
    // A name that nobody has may be a password in the wrong field: it is not written down.
    const details = { user: this.#users.find(user) ? user : 'unknown' };
    this.#audit({ action: 'login_failed', actor: 'nobody', source, outcome: 'refused', details });
    const retryAfterMs = this.#failures.waitMs(user, source);
    if (retryAfterMs === 0) return wrongPassword;
    this.#audit({
      action: 'locked_out',
      actor: 'nobody',
      source,
      outcome: 'refused',
      details: { ...details, retryAfterMs },
    });
    return { ...wrongPassword, retryAfterMs };
  }

  #open(user: string, source: string): Entry {
    const opened = this.#sessions.open(user, source);
    this.#parts.hide?.(opened.token);
    return { ...opened, session: this.look(opened.ticket) ?? nobody(source) };
  }

  #sessionOf(session: Session | undefined): ConsoleSession | undefined {
    if (!session) return undefined;
    const { user, source } = session;
    if (user === 'owner') return ownerFrom(source);
    const found = this.#users.find(user);
    if (!found) return undefined;
    const { role, queues, mustChange } = found;
    return { user, role, queues, source, ...(mustChange && { mustChange }) };
  }

  #rowOf(stored: StoredUser): UserRow {
    const { user, role, queues, mustChange } = stored;
    const lastLoginAtMs = this.#lastLogins.get(user);
    return {
      user,
      role,
      queues,
      mustChange,
      createdAtMs: ms(stored.createdAtMs),
      passwordAtMs: ms(stored.passwordAtMs),
      ...(lastLoginAtMs !== undefined && { lastLoginAtMs }),
      sessions: this.#sessions.countOf(user),
    };
  }

  #audit(act: Omit<AuditAct, 'targets'>): void {
    this.#parts.audit({ ...act, targets: [] });
  }
}

// The users: made, changed, removed. The last administrator stays: somebody has to be able to make others.
import * as limits from '../protocol/accountLimits.ts';
import type { UserDraft } from '../protocol/accounts.ts';
import type { Ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { AccountsFile, StoredUser } from './accountsFile.ts';
import { weaknessOf } from './passwordRules.ts';
import type { PasswordHasher } from './passwords.ts';

/** Names that stand for something else in the audit. */
const reserved = new Set([
  'local',
  'owner',
  'nobody',
  'shell',
  'host',
  'window',
  'schedule',
  'record',
  'millrace',
]);

export class Users {
  readonly #file: AccountsFile;
  readonly #hasher: PasswordHasher;
  readonly #clock: () => Ms;

  constructor(file: AccountsFile, hasher: PasswordHasher, clock: () => Ms) {
    this.#file = file;
    this.#hasher = hasher;
    this.#clock = clock;
  }

  get all(): readonly StoredUser[] {
    return this.#file.accounts.users;
  }
  get hasAdministrator(): boolean {
    return this.all.some(({ role }) => role === 'administrator');
  }
  find(user: string): StoredUser | undefined {
    return this.all.find((one) => one.user === user);
  }

  /** Refuses `bad_message`, `weak_password`, `too_many`, `wrong_state` (last administrator), `storage_failed`. */
  async save(draft: UserDraft): Promise<Outcome<StoredUser, Refusal>> {
    const { user, role, queues, password } = draft;
    const found = this.find(user);
    if (!found) return this.#make(draft);
    if (password !== undefined) return refused(passwordOfKnown(user));
    if (role !== 'administrator' && this.#isLast(found)) return refused(lastAdministrator(user));
    return this.#put({ ...found, role, queues });
  }

  /** Refuses `unknown_user`, `wrong_state`, `storage_failed`. */
  remove(user: string): Outcome<void, Refusal> {
    const found = this.find(user);
    if (!found) return refused(unknownUser(user));
    if (this.#isLast(found)) return refused(lastAdministrator(user));
    return this.#file.write({ users: this.all.filter((one) => one.user !== user) });
  }

  /** Refuses `unknown_user`, `weak_password`, `storage_failed`. */
  async setPassword(
    user: string,
    password: string,
    { mustChange, field }: { readonly mustChange: boolean; readonly field: string },
  ): Promise<Outcome<StoredUser, Refusal>> {
    if (!this.find(user)) return refused(unknownUser(user));
    const weakness = weaknessOf(password, user, field);
    if (weakness) return refused(weakness);
    const hash = await this.#hasher.hash(password);
    const found = this.find(user); // it may have been removed meanwhile
    if (!found) return refused(unknownUser(user));
    return this.#put({ ...found, password: hash, mustChange, passwordAtMs: this.#clock() });
  }

  /** The same password, hashed with the present parameters. Where the store fails the old text stays, and works. */
  async rehash(user: StoredUser, password: string): Promise<void> {
    const hash = await this.#hasher.hash(password);
    if (this.find(user.user)?.password === user.password) this.#put({ ...user, password: hash });
  }

  async #make({ user, role, queues, password }: UserDraft): Promise<Outcome<StoredUser, Refusal>> {
    const hindrance = this.#hindranceOf(user, password);
    if (hindrance) return refused(hindrance);
    const hash = await this.#hasher.hash(password ?? '');
    if (this.find(user)) return refused(passwordOfKnown(user));
    const nowMs = this.#clock();
    // The first one is made by the person it is for; all others get theirs from somebody else.
    const mustChange = this.hasAdministrator;
    return this.#put({
      user,
      role,
      queues,
      password: hash,
      mustChange,
      createdAtMs: nowMs,
      passwordAtMs: nowMs,
    });
  }

  #hindranceOf(user: string, password: string | undefined): Refusal | undefined {
    if (reserved.has(user))
      return refusal('bad_message', `${user} has another meaning here`, { field: 'user' });
    if (this.all.length >= limits.usersMax)
      return refusal('too_many', `there are ${limits.usersMax} users, the most there can be; remove some`);
    if (password === undefined)
      return refusal('unknown_user', `there is no user ${user}; give a password to make one`, {
        field: 'password',
      });
    return weaknessOf(password, user, 'password');
  }

  #put(user: StoredUser): Outcome<StoredUser, Refusal> {
    const others = this.all.filter((one) => one.user !== user.user);
    const users = [...others, user].sort((a, b) => (a.user < b.user ? -1 : 1));
    const written = this.#file.write({ users });
    return written.ok ? accepted(user) : written;
  }

  #isLast({ user, role }: StoredUser): boolean {
    if (role !== 'administrator') return false;
    return !this.all.some((one) => one.role === 'administrator' && one.user !== user);
  }
}

const unknownUser = (user: string): Refusal =>
  refusal('unknown_user', `there is no user ${user}`, { field: 'user' });
const lastAdministrator = (user: string): Refusal =>
  refusal('wrong_state', `${user} is the last administrator; make another one first`, { field: 'user' });
const passwordOfKnown = (user: string): Refusal =>
  refusal('wrong_state', `there is a user ${user} already; its password is reset by resetPassword`, {
    field: 'password',
  });

// What the console needs to know who asks: logins, sessions, users and tokens.
import type {
  AccountResults,
  ApiTokenRow,
  ConsoleSession,
  TokenDraft,
  UserDraft,
  UserRow,
} from '../protocol/accounts.ts';
import type { Outcome, Refusal } from '../protocol/outcome.ts';

interface Entry {
  readonly token: string;
  /** Names the session inside the host. */
  readonly ticket: string;
  readonly session: ConsoleSession;
}
interface Typed {
  readonly user: string;
  readonly password: string;
}
type Later<Value> = Promise<Outcome<Value, Refusal>>;

export interface AccountsPort {
  readonly hasAccounts: boolean;
  /** Refuses `wrong_password`, `too_many` with the time to wait. */
  login(typed: Typed, source: string): Later<Entry>;
  /** Refuses `not_logged_in`. */
  resume(token: string, source: string): Outcome<Entry, Refusal>;
  /** Undefined where the session is over. */
  look(ticket: string): ConsoleSession | undefined;
  /** As `look`; the session is in use. */
  use(ticket: string): ConsoleSession | undefined;
  logout(ticket: string): void;
  changePassword(ticket: string, typed: { readonly old: string; readonly next: string }): Later<void>;
  listUsers(): readonly UserRow[];
  saveUser(draft: UserDraft): Later<UserRow>;
  removeUser(user: string): Outcome<void, Refusal>;
  resetPassword(typed: Typed): Later<void>;
  listTokens(): readonly ApiTokenRow[];
  createToken(draft: TokenDraft, createdBy: string): Outcome<AccountResults['createToken'], Refusal>;
  revokeToken(name: string): Outcome<void, Refusal>;
}

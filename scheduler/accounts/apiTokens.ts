// API tokens of programs: several, each with a name, a role, queues and an end. Only hashes are kept.
import { randomBytes } from 'node:crypto';
import * as limits from '../protocol/accountLimits.ts';
import type { ApiTokenRow, ConsoleSession, TokenDraft } from '../protocol/accounts.ts';
import { type Ms, ms } from '../protocol/brands.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { AccountsFile, StoredToken } from './accountsFile.ts';
import { ticketOf } from './sessions.ts';

/** Scanners for leaked secrets know a token by how it begins. */
const prefix = 'mrt_';
const dayMs = 24 * 3_600_000;

export class ApiTokens {
  readonly #file: AccountsFile;
  readonly #clock: () => Ms;
  readonly #lastUsed = new Map<string, Ms>();

  constructor(file: AccountsFile, clock: () => Ms) {
    this.#file = file;
    this.#clock = clock;
  }

  rows(): readonly ApiTokenRow[] {
    return this.#file.accounts.tokens.map((token) => this.#rowOf(token));
  }

  /** The answer holds the token, this once. Refuses `wrong_state`, `too_many`, `storage_failed`. */
  create(
    { name, role, queues, days }: TokenDraft,
    createdBy: string,
  ): Outcome<ApiTokenRow & { readonly token: string }, Refusal> {
    const { tokens } = this.#file.accounts;
    if (tokens.some((one) => one.name === name))
      return refused(refusal('wrong_state', `there is a token ${name}; revoke it first`, { field: 'name' }));
    if (tokens.length >= limits.apiTokensMax)
      return refused(
        refusal('too_many', `there are ${limits.apiTokensMax} tokens, the most there can be; revoke some`),
      );
    const token = `${prefix}${randomBytes(32).toString('base64url')}`;
    const createdAtMs = this.#clock();
    const expiresAtMs = createdAtMs + days * dayMs;
    const made = { name, role, queues, hash: ticketOf(token), createdAtMs, createdBy, expiresAtMs };
    const written = this.#file.write({ tokens: [...tokens, made] });
    return written.ok ? accepted({ ...this.#rowOf(made), token }) : written;
  }

  /** Refuses `unknown_user`, `storage_failed`. */
  revoke(name: string): Outcome<void, Refusal> {
    const { tokens } = this.#file.accounts;
    const others = tokens.filter((one) => one.name !== name);
    if (others.length === tokens.length)
      return refused(refusal('unknown_user', `there is no token ${name}`, { field: 'name' }));
    this.#lastUsed.delete(name);
    return this.#file.write({ tokens: others });
  }

  /** Undefined where no token, or one that is over, has this hash. Found by hash: its time tells nothing of a token. */
  session(hash: string, source: string): ConsoleSession | undefined {
    const found = this.#file.accounts.tokens.find((one) => one.hash === hash);
    if (!found || found.expiresAtMs <= this.#clock()) return undefined;
    this.#lastUsed.set(found.name, this.#clock());
    return { user: `program:${found.name}`, role: found.role, queues: found.queues, source };
  }

  #rowOf(token: StoredToken): ApiTokenRow {
    const { name, role, queues, createdBy } = token;
    const lastUsedAtMs = this.#lastUsed.get(name);
    return {
      name,
      role,
      queues,
      createdBy,
      createdAtMs: ms(token.createdAtMs),
      expiresAtMs: ms(token.expiresAtMs),
      isExpired: token.expiresAtMs <= this.#clock(),
      ...(lastUsedAtMs !== undefined && { lastUsedAtMs }),
    };
  }
}

// users.json in the data folder: users with their hashed passwords, API tokens by their hashes. For its owner's eyes.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { roles } from '../protocol/accounts.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { isStoredPassword } from './passwords.ts';

const fileName = 'users.json';
const ownerOnly = 0o600;

const rightsEntries = {
  role: v.picklist(roles),
  queues: v.union([v.literal('*'), v.array(v.string())]),
};
const userSchema = v.object({
  user: v.string(),
  ...rightsEntries,
  password: v.pipe(v.string(), v.check(isStoredPassword, 'is no hashed password')),
  mustChange: v.boolean(),
  createdAtMs: v.number(),
  passwordAtMs: v.number(),
});
const tokenSchema = v.object({
  name: v.string(),
  ...rightsEntries,
  /** SHA-256, base64url. */
  hash: v.string(),
  createdAtMs: v.number(),
  createdBy: v.string(),
  expiresAtMs: v.number(),
});
const fileSchema = v.object({
  version: v.literal(1),
  users: v.array(userSchema),
  tokens: v.array(tokenSchema),
});
export type StoredUser = Readonly<v.InferOutput<typeof userSchema>>;
export type StoredToken = Readonly<v.InferOutput<typeof tokenSchema>>;
export interface StoredAccounts {
  readonly users: readonly StoredUser[];
  readonly tokens: readonly StoredToken[];
}

export class AccountsFile {
  readonly #path: string;
  #accounts: StoredAccounts;

  private constructor(path: string, accounts: StoredAccounts) {
    this.#path = path;
    this.#accounts = accounts;
  }

  /** No file is no accounts. Refuses where it is damaged: a host that forgot its users would let anybody in. */
  static open(folder: string): Outcome<AccountsFile, Refusal> {
    const path = join(folder, fileName);
    try {
      return accepted(new AccountsFile(path, read(path)));
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      const said = `${path} cannot be used: ${why}; put back a copy, or move it away to begin without accounts`;
      return refused(refusal('storage_failed', said));
    }
  }

  get accounts(): StoredAccounts {
    return this.#accounts;
  }

  /** Whole or not at all, in the file and in memory. Refuses `storage_failed`. */
  write(change: Partial<StoredAccounts>): Outcome<void, Refusal> {
    const next = { ...this.#accounts, ...change };
    const beside = `${this.#path}.next`;
    try {
      const text = JSON.stringify({ version: 1, ...next }, null, 2);
      writeFileSync(beside, `${text}\n`, { mode: ownerOnly, flush: true });
      renameSync(beside, this.#path);
    } catch (error) {
      return refused(refusal('storage_failed', `${this.#path} cannot be written: ${String(error)}`));
    }
    this.#accounts = next;
    return accepted(undefined);
  }
}

function read(path: string): StoredAccounts {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { users: [], tokens: [] };
    throw error;
  }
  const found = v.safeParse(fileSchema, JSON.parse(text));
  if (found.success) return { users: found.output.users, tokens: found.output.tokens };
  throw new Error(v.summarize(found.issues).replaceAll('\n', ' '));
}

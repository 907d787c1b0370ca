// The plant's secrets, in a file that only this user reads: the console token for windows in browsers, the API token
// for programs. Of nodes there are none: the journal keeps their public keys, and hashes of enrolment tokens.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';

const fileName = 'secrets.json';
const ownerOnly = 0o600;

interface Secrets {
  readonly consoleToken: string;
  readonly apiToken: string;
}

export class SecretsFile {
  readonly #path: string;
  readonly #secrets: Secrets;

  private constructor(path: string, secrets: Secrets) {
    this.#path = path;
    this.#secrets = secrets;
  }

  /** Reads the file, or makes one with new secrets where there is none. Refuses where it is damaged or unwritable. */
  static open(folder: string): Outcome<SecretsFile, Refusal> {
    const path = join(folder, fileName);
    try {
      const found = read(path);
      const file = new SecretsFile(path, { ...newSecrets(), ...found });
      // A file from before programs had a token of their own gets one.
      if (found?.apiToken === undefined) file.#write();
      return accepted(file);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return refused(
        refusal('storage_failed', `${path} cannot be used: ${why}; move it away to get new tokens`),
      );
    }
  }

  get consoleToken(): string {
    return this.#secrets.consoleToken;
  }
  get apiToken(): string {
    return this.#secrets.apiToken;
  }
  readonly consoleTokenMatches = (token: string): boolean => isSame(token, this.#secrets.consoleToken);
  readonly apiTokenMatches = (token: string): boolean => isSame(token, this.#secrets.apiToken);

  /** Whole or not at all: a crash in between leaves the old file. */
  #write(): void {
    const next = `${this.#path}.next`;
    writeFileSync(next, `${JSON.stringify(this.#secrets, null, 2)}\n`, { mode: ownerOnly, flush: true });
    renameSync(next, this.#path);
  }
}

type FoundSecrets = Omit<Secrets, 'apiToken'> & Partial<Pick<Secrets, 'apiToken'>>;

function read(path: string): FoundSecrets | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const found = JSON.parse(text) as Partial<Record<keyof Secrets, unknown>>;
  const { consoleToken, apiToken } = found;
  if (typeof consoleToken !== 'string') throw new Error('a token is missing');
  if (apiToken === undefined) return { consoleToken };
  if (typeof apiToken !== 'string' || apiToken === '') throw new Error('the API token is no text');
  return { consoleToken, apiToken };
}

const newSecrets = (): Secrets => ({
  consoleToken: newToken(),
  apiToken: newToken(),
});
const newToken = (): string => randomBytes(24).toString('base64url');

/** In a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

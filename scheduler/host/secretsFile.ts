// The plant's secrets, in a file that only this user reads: the enrolment token for agents, the console token for
// windows in browsers, the API token for programs. Node keys are not here: the journal keeps their hashes.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';

const fileName = 'secrets.json';
const ownerOnly = 0o600;

interface Secrets {
  readonly enrolmentToken: string;
  readonly consoleToken: string;
  readonly apiToken: string;
}

export class SecretsFile {
  readonly #path: string;
  #secrets: Secrets;

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

  get enrolmentToken(): string {
    return this.#secrets.enrolmentToken;
  }
  get consoleToken(): string {
    return this.#secrets.consoleToken;
  }
  get apiToken(): string {
    return this.#secrets.apiToken;
  }
  readonly enrolmentTokenMatches = (token: string): boolean => isSame(token, this.#secrets.enrolmentToken);
  readonly consoleTokenMatches = (token: string): boolean => isSame(token, this.#secrets.consoleToken);
  readonly apiTokenMatches = (token: string): boolean => isSame(token, this.#secrets.apiToken);

  renewEnrolment(): Outcome<undefined, Refusal> {
    const before = this.#secrets;
    this.#secrets = { ...before, enrolmentToken: newToken() };
    try {
      this.#write();
      return accepted(undefined);
    } catch (error) {
      this.#secrets = before;
      return refused(refusal('storage_failed', `${this.#path} cannot be written: ${String(error)}`));
    }
  }

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
  const { enrolmentToken, consoleToken, apiToken } = found;
  if (typeof enrolmentToken !== 'string' || typeof consoleToken !== 'string')
    throw new Error('a token is missing');
  if (apiToken === undefined) return { enrolmentToken, consoleToken };
  if (typeof apiToken !== 'string' || apiToken === '') throw new Error('the API token is no text');
  return { enrolmentToken, consoleToken, apiToken };
}

const newSecrets = (): Secrets => ({
  enrolmentToken: newToken(),
  consoleToken: newToken(),
  apiToken: newToken(),
});
const newToken = (): string => randomBytes(24).toString('base64url');

/** In a time that does not depend on where they differ. */
function isSame(given: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

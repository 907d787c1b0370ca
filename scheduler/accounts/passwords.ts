// Passwords: hashed with scrypt, compared in constant time, a few at a time. The stored text names its parameters, so
// that later ones can be harder: a password that was hashed with others is hashed anew at its next good login.
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { passwordHashesMax, passwordHashesWaitingMax } from '../protocol/accountLimits.ts';

/** `cost`: scrypt's N, a power of two; memory is 128 * cost * blockSize bytes. */
export interface ScryptCost {
  readonly cost: number;
  readonly blockSize: number;
  readonly parallel: number;
}
/**
 * One of the equally hard settings that OWASP lists (Password Storage Cheat Sheet: N=2^15, r=8, p=3). It takes 32 MiB
 * rather than the 128 MiB of N=2^17, p=1: the host shares its memory with the fleet's state.
 */
export const presentCost: ScryptCost = { cost: 2 ** 15, blockSize: 8, parallel: 3 };
const saltBytes = 16;
const hashBytes = 32;

export interface Verdict {
  readonly matches: boolean;
  /** Hashed with other parameters than the present ones. */
  readonly isOld: boolean;
}

export class PasswordHasher {
  readonly #cost: ScryptCost;
  readonly #waiting: (() => void)[] = [];
  #running = 0;
  /** What the password of somebody who does not exist is compared with, in the same time. */
  readonly #decoy: string;

  constructor(cost: ScryptCost = presentCost) {
    this.#cost = cost;
    this.#decoy = storedText(cost, randomBytes(saltBytes), randomBytes(hashBytes));
  }

  /** True: so many wait that one more would only wait in vain. */
  get isBusy(): boolean {
    return this.#waiting.length >= passwordHashesWaitingMax;
  }

  /** The text to store. About 0.3 s of one of Node's threads. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(saltBytes);
    return storedText(this.#cost, salt, await this.#derive(password, salt, this.#cost));
  }

  /** Takes as long where there is nothing stored, and says no. */
  async verify(password: string, stored: string | undefined): Promise<Verdict> {
    const { cost, salt, hash } = readStored(stored ?? this.#decoy);
    const given = await this.#derive(password, salt, cost);
    const isSame = given.length === hash.length && timingSafeEqual(given, hash);
    return { matches: isSame && stored !== undefined, isOld: !isEqual(cost, this.#cost) };
  }

  async #derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    if (this.#running >= passwordHashesMax)
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    this.#running += 1;
    try {
      return await derive(password, salt, cost);
    } finally {
      this.#running -= 1;
      this.#waiting.shift()?.();
    }
  }
}

/** Whether it is a text that `hash` made. */
export function isStoredPassword(text: string): boolean {
  try {
    readStored(text);
    return true;
  } catch {
    return false;
  }
}

function derive(password: string, salt: Buffer, { cost, blockSize, parallel }: ScryptCost): Promise<Buffer> {
  // The same letters typed on another keyboard are the same password (NIST SP 800-63B-4, 3.1.1.2).
  const text = password.normalize('NFKC');
  const settings = { N: cost, r: blockSize, p: parallel, maxmem: 2 ** 20 + 256 * cost * blockSize };
  return new Promise((resolve, reject) => {
    scrypt(text, salt, hashBytes, settings, (error, hash) => {
      if (error) reject(error);
      else resolve(hash);
    });
  });
}

const storedText = ({ cost, blockSize, parallel }: ScryptCost, salt: Buffer, hash: Buffer): string =>
  ['scrypt', cost, blockSize, parallel, salt.toString('base64url'), hash.toString('base64url')].join('$');

function readStored(text: string): { cost: ScryptCost; salt: Buffer; hash: Buffer } {
  const found = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]+)\$([\w-]+)$/.exec(text);
  const [, cost = '', blockSize = '', parallel = '', salt = '', hash = ''] = found ?? [];
  if (!found) throw new Error('the stored text of a password is damaged');
  return {
    cost: { cost: Number(cost), blockSize: Number(blockSize), parallel: Number(parallel) },
    salt: Buffer.from(salt, 'base64url'),
    hash: Buffer.from(hash, 'base64url'),
  };
}

const isEqual = (a: ScryptCost, b: ScryptCost): boolean =>
  a.cost === b.cost && a.blockSize === b.blockSize && a.parallel === b.parallel;

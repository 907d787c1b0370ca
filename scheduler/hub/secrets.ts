// Keys and tokens: made, hashed, and compared in constant time. Only hashes are ever stored.
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** 256 random bits, URL-safe: nobody finds it by trying. */
export const newSecret = (): string => randomBytes(32).toString('base64url');

/** SHA-256 in hexadecimal. A slow password hash adds nothing to 256 random bits, and 48,000 nodes join at once. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Whether `secret` has the hash `hash` (SHA-256, hexadecimal), in a time that does not depend on where they differ. */
export function secretMatches(secret: string, hash: string): boolean {
  const given = createHash('sha256').update(secret).digest();
  const expected = Buffer.from(hash, 'hex');
  return expected.length === given.length && timingSafeEqual(given, expected);
}

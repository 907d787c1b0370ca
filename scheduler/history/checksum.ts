// CRC32C of what history stores, so that a flipped bit is found when it is read: SQLite itself does not look for one.
import crc32c from 'crc-32/crc32c.js';

/** Of the text's UTF-8 bytes. */
export const checksumOf = (text: string): number => crc32c.str(text) >>> 0;
export const checksumOfBytes = (bytes: Uint8Array, seed = 0): number => crc32c.buf(bytes, seed) >>> 0;

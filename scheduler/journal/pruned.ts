// The entry that says up to where rows were pruned, so that the first row left can still be checked.
import type { Database } from '../sqlite/driver.ts';
import { checksum } from './record.ts';

/** The last batch that was pruned, and the chain hash that the next row follows. */
export interface Pruned {
  readonly last: number;
  readonly chain: Uint8Array;
}

/** The checksum of the entry. */
export const sealOfPruned = ({ last, chain }: Pruned): number =>
  checksum(chain, checksum(Buffer.from(String(last))));

export function writePruned(database: Database, pruned: Pruned): void {
  database
    .prepare(`INSERT OR REPLACE INTO meta (key, number, bytes, crc) VALUES ('pruned', ?, ?, ?)`)
    .run(pruned.last, pruned.chain, sealOfPruned(pruned));
}

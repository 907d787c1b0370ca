// Work whose loss with the power does no harm, since it is done again: parts of a snapshot without a head, pruning.
import type { Database } from '../sqlite/driver.ts';
import { inTransaction } from '../sqlite/open.ts';

/** One transaction that is whole, and after those before it, but not flushed: the next group commit takes it along. */
export function withoutFlush<Result>(database: Database, work: () => Result): Result {
  database.exec('PRAGMA synchronous = NORMAL');
  try {
    return inTransaction(database, work);
  } finally {
    if (database.isOpen) database.exec('PRAGMA synchronous = FULL');
  }
}

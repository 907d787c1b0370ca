// The tables of audit.db. Rows are only ever added at one end and let go at the other.
export const auditFile = 'audit.db';
/** `MRau`. */
export const auditApplicationId = 0x4d_52_61_75;

/**
 * `entry`: canonical JSON without the hash. The columns beside it are what entries are found by; a check compares them.
 * `target`: where a thing is named; it can be made anew from the entries, and is no part of the chain.
 */
export const auditMigrations: readonly string[] = [
  `CREATE TABLE entry (
     seq INTEGER PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     actor TEXT NOT NULL,
     action TEXT NOT NULL,
     outcome TEXT NOT NULL,
     entry TEXT NOT NULL,
     hash TEXT NOT NULL
   ) STRICT;
   CREATE INDEX entry_actor ON entry (actor, action);
   CREATE INDEX entry_actor_only ON entry (actor);
   CREATE INDEX entry_action ON entry (action);
   CREATE INDEX entry_outcome ON entry (outcome);
   CREATE TABLE target (name TEXT NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY (name, seq)) STRICT, WITHOUT ROWID;
   CREATE TRIGGER entry_stays BEFORE UPDATE ON entry BEGIN SELECT RAISE(ABORT, 'entries are never changed'); END;`,
];

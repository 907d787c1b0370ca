// The tables of journal.db, and what identifies the file as ours.

/** `MRJ` and the kind of file. */
export const journalApplicationId = 0x4d524a01;
export const journalFile = 'journal.db';

export const journalMigrations = [
  `
  CREATE TABLE meta (key TEXT PRIMARY KEY, number INTEGER, bytes BLOB) WITHOUT ROWID;
  -- One row per group commit; the newest has the largest id.
  CREATE TABLE row (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
    crc INTEGER NOT NULL, chain BLOB NOT NULL, payload BLOB NOT NULL
  );
  -- A snapshot counts once its head is here; it is written after all parts.
  CREATE TABLE snapshot (sequence INTEGER PRIMARY KEY, parts INTEGER NOT NULL, crc INTEGER NOT NULL);
  CREATE TABLE snapshot_part (
    sequence INTEGER NOT NULL, part INTEGER NOT NULL, payload BLOB NOT NULL, PRIMARY KEY (sequence, part)
  );
  -- Last rows that were found torn: kept as evidence, never replayed.
  CREATE TABLE cut (id INTEGER, first INTEGER, last INTEGER, crc INTEGER, chain BLOB, payload BLOB);
  `,
  `
  -- 1: the parts are cuts of one text, and \`crc\` covers them alone. 2: each part is a text of its own, with its own
  -- checksum, and the head's covers its numbers too.
  ALTER TABLE snapshot ADD COLUMN format INTEGER NOT NULL DEFAULT 1;
  ALTER TABLE snapshot ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE snapshot_part ADD COLUMN crc INTEGER;
  -- Over number and bytes. NULL where an older version wrote the entry.
  ALTER TABLE meta ADD COLUMN crc INTEGER;
  `,
] as const;

/** The format in which snapshots are written. */
export const snapshotFormat = 2;

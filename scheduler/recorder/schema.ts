// The tables of recorder.db, and what identifies the file as ours.

/** `MRR` and the kind of file. */
export const recorderApplicationId = 0x4d525201;
export const recorderFile = 'recorder.db';

export const recorderMigrations = [
  `
  -- Rows of the journal, some at a time, compressed. \`row\` and \`chain\`: those of its last row there. Times in ms.
  CREATE TABLE block (
    id INTEGER PRIMARY KEY, first INTEGER NOT NULL, last INTEGER NOT NULL,
    from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL, row INTEGER NOT NULL, chain BLOB NOT NULL,
    bytes INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL
  );
  CREATE INDEX block_by_last ON block (last);
  -- A snapshot counts once it is here; it is written after all parts. \`bytes\` before, \`stored\` after compression.
  CREATE TABLE snapshot (
    sequence INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, parts INTEGER NOT NULL,
    bytes INTEGER NOT NULL, stored INTEGER NOT NULL
  );
  CREATE TABLE snapshot_part (
    sequence INTEGER NOT NULL, part INTEGER NOT NULL, crc INTEGER NOT NULL, payload BLOB NOT NULL,
    PRIMARY KEY (sequence, part)
  );
  `,
] as const;

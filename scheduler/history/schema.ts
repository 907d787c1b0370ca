// The tables of history.db: a projection of the journal, made for lists, counts and output.

/** `MRH` and the kind of file. */
export const historyApplicationId = 0x4d524801;
export const historyFile = 'history.db';

export const historyMigrations = [
  `
  -- 'cursor': newest batch of the journal that is stored here. 'log_bytes': sum over log_piece.
  CREATE TABLE meta (key TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
  INSERT INTO meta VALUES ('cursor', 0), ('log_bytes', 0);
  CREATE TABLE task (
    task_id INTEGER PRIMARY KEY,
    sequence INTEGER NOT NULL, -- of the batch in which it ended
    state TEXT NOT NULL, queue TEXT NOT NULL,
    node_id TEXT, -- of the newest attempt
    submitted_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,
    search TEXT NOT NULL, -- lower case
    record TEXT NOT NULL -- JSON of the TaskRecord
  );
  -- Each index ends with task_id by itself, so a page is one walk down an index.
  CREATE INDEX task_by_state ON task (state);
  CREATE INDEX task_by_queue ON task (queue, state);
  CREATE INDEX task_by_node ON task (node_id, state) WHERE node_id IS NOT NULL;
  CREATE INDEX task_by_submit ON task (submitted_ms);
  -- How many rows \`task\` has, so that counts need no scan.
  CREATE TABLE tally (
    queue TEXT NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (queue, state)
  ) WITHOUT ROWID;
  -- Ends per minute. A task that ended twice counts twice.
  CREATE TABLE ended_minute (
    minute INTEGER NOT NULL, state TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (minute, state)
  ) WITHOUT ROWID;
  CREATE TABLE log_stream (
    token INTEGER NOT NULL, stream TEXT NOT NULL,
    next_offset INTEGER NOT NULL, kept_bytes INTEGER NOT NULL, dropped_bytes INTEGER,
    PRIMARY KEY (token, stream)
  ) WITHOUT ROWID;
  CREATE TABLE log_piece (
    token INTEGER NOT NULL, piece INTEGER NOT NULL, stream TEXT NOT NULL, offset INTEGER NOT NULL,
    bytes INTEGER NOT NULL, at_ms INTEGER NOT NULL, dropped_bytes INTEGER, text TEXT NOT NULL,
    PRIMARY KEY (token, piece)
  );
  `,
] as const;

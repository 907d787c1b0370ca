// The tables of history.db: a projection of the journal, made for lists, counts and output.
import { endedMigration } from './schemaEnded.ts';

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
  `
  -- The simulated plant goes without a trace: its tasks are found by this.
  ALTER TABLE task ADD COLUMN is_simulated INTEGER NOT NULL DEFAULT 0;
  UPDATE task SET is_simulated = 1 WHERE json_extract(record, '$.spec.work.kind') = 'simulated';
  CREATE INDEX task_simulated ON task (task_id) WHERE is_simulated = 1;
  -- Which node had which row of the blocks, and when.
  CREATE TABLE metric_seat (
    row INTEGER NOT NULL, from_ms INTEGER NOT NULL, to_ms INTEGER NOT NULL,
    node_id TEXT NOT NULL, area TEXT NOT NULL, line TEXT NOT NULL, is_simulated INTEGER NOT NULL,
    PRIMARY KEY (row, from_ms)
  ) WITHOUT ROWID;
  CREATE INDEX metric_seat_by_node ON metric_seat (node_id);
  CREATE INDEX metric_seat_by_line ON metric_seat (line);
  CREATE INDEX metric_seat_by_end ON metric_seat (to_ms);
  -- Mean and maximum of one metric over one step, for all nodes (a byte per row) or queues (a float per id).
  CREATE TABLE metric_block (
    level INTEGER NOT NULL, metric TEXT NOT NULL, at_ms INTEGER NOT NULL, mean BLOB NOT NULL, max BLOB NOT NULL,
    PRIMARY KEY (level, metric, at_ms)
  );
  CREATE TABLE metric_queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
  `,
  endedMigration,
] as const;

// Third version of history.db: ended tasks as narrow rows, their records in compressed blocks, and an index by segment.

/**
 * What was stored before is moved in the background (legacy.ts), so that opening does not wait for it.
 * In `name`, 0 stands for none.
 */
export const endedMigration = `
  ALTER TABLE task RENAME TO task_v2;
  INSERT INTO meta SELECT 'legacy_tasks', coalesce(sum(n), 0) FROM tally;
  INSERT INTO meta VALUES ('tasks', 0), ('build', 0);
  DROP TABLE tally;
  CREATE TABLE name (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
  CREATE TABLE ended (
    task_id INTEGER PRIMARY KEY, sequence INTEGER NOT NULL, state INTEGER NOT NULL,
    queue INTEGER NOT NULL, tenant INTEGER NOT NULL, node INTEGER NOT NULL, kind INTEGER NOT NULL,
    submitted_ms INTEGER NOT NULL, took_ms INTEGER NOT NULL,
    crc INTEGER NOT NULL -- of these columns and the record
  );
  -- The simulated plant goes without a trace: its tasks are found by this.
  CREATE INDEX ended_simulated ON ended (task_id) WHERE kind = 1;
  -- Records that are in no block yet. A record here wins over one in a block.
  CREATE TABLE record (task_id INTEGER PRIMARY KEY, body TEXT NOT NULL, search TEXT NOT NULL);
  -- Tasks by the high bits of their ids. build: the postings and blocks that hold them; 0: none yet.
  CREATE TABLE segment (
    segment INTEGER PRIMARY KEY, rows INTEGER NOT NULL, build INTEGER NOT NULL, built INTEGER NOT NULL,
    late INTEGER NOT NULL, -- rows that came after the build
    gone INTEGER NOT NULL, -- rows that were replaced or requeued after the build
    is_ragged INTEGER NOT NULL, -- rows were let go by retention after the build
    is_loose INTEGER NOT NULL, -- table record still holds what is in the blocks
    submitted_min INTEGER NOT NULL, submitted_max INTEGER NOT NULL, ended_min INTEGER NOT NULL
  );
  CREATE TABLE late (task_id INTEGER PRIMARY KEY, change INTEGER NOT NULL);
  -- Which places of a segment have a key (facets.ts, postings.ts). Written in order, never changed.
  CREATE TABLE posting (
    build INTEGER NOT NULL, key INTEGER NOT NULL, n INTEGER NOT NULL, places BLOB NOT NULL,
    PRIMARY KEY (build, key)
  ) WITHOUT ROWID;
  -- id: build * 256 + the place of its first record / 64.
  CREATE TABLE block (id INTEGER PRIMARY KEY, body BLOB NOT NULL);
  -- How many rows \`ended\` has, so that counts need no scan.
  CREATE TABLE tally (
    queue INTEGER NOT NULL, tenant INTEGER NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,
    n INTEGER NOT NULL, PRIMARY KEY (queue, tenant, kind, state)
  ) WITHOUT ROWID;
  CREATE TABLE node_tally (
    node INTEGER NOT NULL, state INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY KEY (node, state)
  ) WITHOUT ROWID;
  -- By hour of submission; by_tenant 0: name is a queue, 1: a tenant.
  CREATE TABLE hourly (
    by_tenant INTEGER NOT NULL, hour INTEGER NOT NULL, name INTEGER NOT NULL, state INTEGER NOT NULL,
    n INTEGER NOT NULL, PRIMARY KEY (by_tenant, hour, name, state)
  ) WITHOUT ROWID;
  ALTER TABLE log_piece ADD COLUMN crc INTEGER; -- NULL: stored before there was one
  ALTER TABLE metric_block ADD COLUMN crc INTEGER;
`;

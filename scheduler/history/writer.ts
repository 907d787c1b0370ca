// The writer's side of history.db: one transaction per commit stores changes, output and the cursor together, so that
// after a crash the journal is read again from exactly where it was stored.
import type { Database } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import { BuildWriter } from './buildWriter.ts';
import { moveLegacy } from './legacy.ts';
import { LogWriter } from './logWriter.ts';
import { MetricWriter } from './metricWriter.ts';
import { dropSimulated, Keeper } from './retention.ts';
import { SegmentBook } from './segmentBook.ts';
import { TaskWriter } from './taskWriter.ts';
import type { Answers, Change, Commit, Committed, Sizes, WriterQuestion } from './threadMessages.ts';

export function writerAnswers(database: Database): Answers<WriterQuestion> & { readonly sizes: () => Sizes } {
  const metrics = new MetricWriter(database);
  const segments = new SegmentBook(database);
  const tasks = new TaskWriter(database, segments);
  const builds = new BuildWriter(database, segments);
  const logs = new LogWriter(database);
  const keeping = { database, tasks, segments, tidy: () => builds.tidy() };
  const keeper = new Keeper(keeping);
  const sizes = (): Sizes => {
    const legacy = metaOf(database, 'legacy_tasks');
    return {
      tasks: metaOf(database, 'tasks') + legacy,
      logBytes: metaOf(database, 'log_bytes'),
      unindexed: segments.unbuilt + legacy,
    };
  };

  const commit = committer(database, { tasks, logs, sizes });

  return {
    sizes,
    commit,
    dropSimulated: () => {
      metrics.forgetSimulated();
      // Rows of an older version may be simulated as well.
      if (moveLegacy(database, tasks)) return { dropped: 0, left: sizes().unindexed, ...sizes() };
      return { ...dropSimulated(keeping), ...sizes() };
    },
    addMetrics: (sample) => {
      metrics.add(sample);
      return undefined;
    },
    retain: ({ bounds, nowMs }) => {
      // The oldest ones are those of an older version.
      const isMoving = moveLegacy(database, tasks);
      const dropped = isMoving
        ? { tasksDropped: 0, piecesDropped: 0, isDone: false }
        : keeper.retain(bounds, nowMs);
      return { ...dropped, ...sizes() };
    },
    beginBuild: () => builds.begin(),
    storeBuild: ({ build, part }) => {
      builds.store(build, part);
      return undefined;
    },
    endBuild: (begun) => {
      builds.end(begun);
      return sizes();
    },
    tidy: () => {
      const isBusy = moveLegacy(database, tasks) || builds.tidy();
      return { isBusy, ...sizes() };
    },
  };
}

interface CommitParts {
  readonly tasks: TaskWriter;
  readonly logs: LogWriter;
  readonly sizes: () => Sizes;
}

function committer(database: Database, { tasks, logs, sizes }: CommitParts): (commit: Commit) => Committed {
  const setCursor = database.prepare(`UPDATE meta SET number = max(number, ?) WHERE key = 'cursor'`);
  const store = (change: Change, cursor: number): void => {
    // Read again after a crash, and stored already: a task that ended and was requeued must not come back.
    if (change.sequence < cursor) return;
    if (change.kind === 'forgotten') tasks.forget(change.taskId, change.sequence);
    if (change.kind === 'ended') for (const record of change.records) tasks.put(record, change.sequence);
    setCursor.run(change.sequence);
  };
  return ({ changes, logs: calls }) => {
    const startedMs = performance.now();
    return inTransaction(database, () => {
      const cursor = cursorOf(database);
      for (const change of changes) store(change, cursor);
      tasks.store();
      const appended = calls.map((pieces) => logs.append(pieces));
      return {
        cursor: cursorOf(database),
        logs: appended,
        tookMs: performance.now() - startedMs,
        ...sizes(),
      };
    });
  };
}

export const cursorOf = (database: Database): number => metaOf(database, 'cursor');

function metaOf(database: Database, key: string): number {
  return numberIn(database.prepare('SELECT number FROM meta WHERE key = ?').get(key) ?? {}, 'number');
}

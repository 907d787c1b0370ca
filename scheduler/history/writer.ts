// The writer's side of history.db: one transaction per commit stores changes, output and the cursor together, so that
// after a crash the journal is read again from exactly where it was stored.
import type { Database } from '../sqlite/driver.ts';
import { numberIn } from '../sqlite/columns.ts';
import { inTransaction } from '../sqlite/open.ts';
import { LogWriter } from './logWriter.ts';
import { MetricWriter } from './metricWriter.ts';
import { dropOldest, dropSimulated } from './retention.ts';
import { TaskWriter } from './taskWriter.ts';
import type { Answers, Change, Commit, Committed, Sizes, WriterQuestion } from './threadMessages.ts';

export function writerAnswers(database: Database): Answers<WriterQuestion> {
  const metrics = new MetricWriter(database);
  const tasks = new TaskWriter(database);
  const logs = new LogWriter(database);
  const setCursor = database.prepare(`UPDATE meta SET number = max(number, ?) WHERE key = 'cursor'`);

  function store(change: Change, cursor: number): void {
    // Read again after a crash, and stored already: a task that ended and was requeued must not come back.
    if (change.sequence < cursor) return;
    if (change.kind === 'forgotten') tasks.forget(change.taskId, change.sequence);
    if (change.kind === 'ended') for (const record of change.records) tasks.put(record, change.sequence);
    setCursor.run(change.sequence);
  }

  function commit({ changes, logs: calls }: Commit): Committed {
    const startedMs = performance.now();
    return inTransaction(database, () => {
      const cursor = cursorOf(database);
      for (const change of changes) store(change, cursor);
      const appended = calls.map((pieces) => logs.append(pieces));
      return {
        cursor: cursorOf(database),
        logs: appended,
        tookMs: performance.now() - startedMs,
        ...sizesOf(database),
      };
    });
  }

  return {
    commit,
    dropSimulated: () => {
      metrics.forgetSimulated();
      return { ...dropSimulated(database, tasks), ...sizesOf(database) };
    },
    addMetrics: (sample) => {
      metrics.add(sample);
      return undefined;
    },
    dropOldest: (bounds) => ({ ...dropOldest(database, tasks, bounds), ...sizesOf(database) }),
  };
}

export const cursorOf = (database: Database): number => metaOf(database, 'cursor');

export function sizesOf(database: Database): Sizes {
  const row = database.prepare('SELECT coalesce(sum(n), 0) AS tasks FROM tally').get() ?? {};
  return { tasks: numberIn(row, 'tasks'), logBytes: metaOf(database, 'log_bytes') };
}

function metaOf(database: Database, key: string): number {
  return numberIn(database.prepare('SELECT number FROM meta WHERE key = ?').get(key) ?? {}, 'number');
}

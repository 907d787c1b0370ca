// History as the console reads it. A task leaves the live ones when its end is decided, and history is told of it when
// that is durable: reads wait for the write under way, so that no task is nowhere in between.
import type { ConsoleHistory } from '../console/ports.ts';
import type { History } from '../history/store.ts';
import { HistoryFailed } from '../history/thread.ts';
import type { Ms } from '../protocol/brands.ts';
import { refusal, Refused } from '../protocol/outcome.ts';

/** Reads reject with `Refused` where history cannot answer: it failed, or what is asked for is damaged. */
export function historyForConsole(
  history: History,
  clock: () => Ms,
  written: () => Promise<void>,
): ConsoleHistory {
  const afterWrite = async <Value>(read: () => Promise<Value>): Promise<Value> => {
    await written();
    return orRefused(read);
  };
  return {
    list: (filter, before, limit) => afterWrite(() => history.list(filter, before, limit)),
    count: (filter) => afterWrite(() => history.count(filter)),
    groups: (filter, by) => afterWrite(() => history.groups(filter, by)),
    get: (taskId) => afterWrite(() => history.get(taskId)),
    readLog: async (token, after, limit) =>
      (await orRefused(() => history.readLog(token, after, limit))).pieces,
    endedPerMinute: (sinceMs, untilMs) => orRefused(() => history.endedPerMinute(sinceMs, untilMs)),
    trace: (query) => orRefused(() => history.trace({ ...query, nowMs: clock() })),
  };
}

async function orRefused<Value>(read: () => Promise<Value>): Promise<Value> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof HistoryFailed) throw new Refused(refusal('storage_failed', error.message));
    throw error;
  }
}

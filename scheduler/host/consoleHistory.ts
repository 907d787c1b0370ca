// History as the console reads it. A task leaves the live ones when its end is decided, and history is told of it when
// that is durable: reads wait for the write under way, so that no task is nowhere in between.
import type { ConsoleHistory } from '../console/ports.ts';
import type { History } from '../history/store.ts';
import type { Ms } from '../protocol/brands.ts';

export const historyForConsole = (
  history: History,
  clock: () => Ms,
  written: () => Promise<void>,
): ConsoleHistory => ({
  list: async (filter, before, limit) => {
    await written();
    return history.list(filter, before, limit);
  },
  count: async (filter) => {
    await written();
    return history.count(filter);
  },
  groups: async (filter, by) => {
    await written();
    return history.groups(filter, by);
  },
  get: async (taskId) => {
    await written();
    return history.get(taskId);
  },
  readLog: async (token, after, limit) => (await history.readLog(token, after, limit)).pieces,
  endedPerMinute: (sinceMs, untilMs) => history.endedPerMinute(sinceMs, untilMs),
  trace: (query) => history.trace({ ...query, nowMs: clock() }),
});

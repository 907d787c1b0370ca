// History as the console reads it: every read sees what was told before it, so that a task which has just left the live
// ones is never nowhere.
import type { ConsoleHistory } from '../console/ports.ts';
import type { History } from '../history/store.ts';

export function historyForConsole(history: History): ConsoleHistory {
  return {
    list: async (filter, before, limit) => {
      await history.flushed();
      return history.list(filter, before, limit);
    },
    count: async (filter) => {
      await history.flushed();
      return history.count(filter);
    },
    get: async (taskId) => {
      await history.flushed();
      return history.get(taskId);
    },
    readLog: async (token, after, limit) => (await history.readLog(token, after, limit)).pieces,
    endedPerMinute: (sinceMs, untilMs) => history.endedPerMinute(sinceMs, untilMs),
  };
}

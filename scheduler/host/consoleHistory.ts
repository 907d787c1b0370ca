// History as the console reads it. Its reads already see all that was told before them, so that a task which has just
// left the live ones is never nowhere.
import type { ConsoleHistory } from '../console/ports.ts';
import type { History } from '../history/store.ts';

export const historyForConsole = (history: History): ConsoleHistory => ({
  list: (filter, before, limit) => history.list(filter, before, limit),
  count: (filter) => history.count(filter),
  get: (taskId) => history.get(taskId),
  readLog: async (token, after, limit) => (await history.readLog(token, after, limit)).pieces,
  endedPerMinute: (sinceMs, untilMs) => history.endedPerMinute(sinceMs, untilMs),
});

// Asks the host, as one more console, how many tasks run on agents: what a person should know before quitting.
import { MessageChannelMain } from 'electron';
import type { HostSupervisor } from './hostSupervisor.ts';

/** A host too busy to answer within this must not keep a person from quitting. */
const answerWithinMs = 1_500;

/** Undefined where the host does not run or does not answer. */
export function countLiveTasks(host: HostSupervisor): Promise<number | undefined> {
  const { port1, port2 } = new MessageChannelMain();
  if (!host.connectConsole('shell', port1)) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const finish = (count: number | undefined): void => {
      clearTimeout(timer);
      port2.close();
      resolve(count);
    };
    const timer = setTimeout(finish, answerWithinMs, undefined);
    port2.on('message', (event) => {
      const count = liveIn(event.data);
      if (count !== undefined) finish(count);
    });
    port2.start();
    port2.postMessage({ id: 1, method: 'watchOverview', params: { on: true } });
  });
}

/** The tasks that agents hold, from an overview frame; undefined for any other message. */
function liveIn(message: unknown): number | undefined {
  const frame = message as { push?: unknown; tasks?: Partial<Record<string, unknown>> } | null;
  if (frame?.push !== 'overview' || !frame.tasks) return undefined;
  const { dispatched, running, cancelling } = frame.tasks;
  return [dispatched, running, cancelling].reduce<number>(
    (sum, count) => sum + (typeof count === 'number' ? count : 0),
    0,
  );
}

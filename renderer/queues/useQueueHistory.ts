// The last hour of each queue: how many waited, and at which rates tasks came and went. Read anew every quarter minute.
import { onScopeDispose, shallowRef, watch } from 'vue';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';
import { historyOf, type QueueHistory } from './queueHistory.ts';

const refreshMs = 15_000;
/** Queues whose history is read; past these the table shows counts only. */
const queuesMax = 40;

export function useQueueHistory(names: () => readonly string[]) {
  const session = useSessionStore();
  const history = shallowRef<ReadonlyMap<string, QueueHistory>>(new Map());
  let isAlive = true;

  async function readOne(name: string): Promise<readonly [string, QueueHistory] | undefined> {
    const ask = (metric: 'waiting' | 'startedPerS') =>
      bridge.call('getTrace', { scope: 'queue', name, metric, range: '1h' });
    try {
      const [waiting, started] = await Promise.all([ask('waiting'), ask('startedPerS')]);
      return [name, historyOf(waiting, started)];
    } catch {
      // A queue that is too new to have a history, or a link that is down: the counts are shown without it.
      return undefined;
    }
  }
  async function read(): Promise<void> {
    if (!session.isLive || document.hidden) return;
    const found = await Promise.all(names().slice(0, queuesMax).map(readOne));
    if (isAlive) history.value = new Map(found.filter((entry) => entry !== undefined));
  }
  watch([() => names().join(), () => session.isLive], () => void read(), { immediate: true });
  const timer = setInterval(() => void read(), refreshMs);
  onScopeDispose(() => {
    isAlive = false;
    clearInterval(timer);
  });
  return history;
}

// What the host does from time to time, beside its work.
import type { Hub } from '../hub/ports.ts';
import type { Alarms } from '../observe/alarms.ts';
import { historyTasksMax } from '../protocol/limits.ts';
import type { HostParts } from './hostParts.ts';
import { writeHubFile } from './hubFile.ts';

const upkeepEveryMs = 10_000;

/**
 * Keeps history within its bound, a chunk at a time, off this thread; tells when no more agents get in; and says in
 * hub.json where the host listens, for as long as it does.
 */
export function keepUp({ config, history, events }: HostParts, hub: Hub, alarms: Alarms): () => void {
  const removeHubFile = writeHubFile(config.dataFolder, hub.address, events.log);
  const timer = setInterval(() => {
    if (hub.stats().isFull)
      alarms.raise({ code: 'FLEET_FULL', source: 'hub', params: { agents: hub.stats().agents } });
    else alarms.clear('FLEET_FULL', 'hub');
    if (history.stats().tasks <= historyTasksMax) return;
    history.retain(historyTasksMax).catch((error: unknown) => {
      events.onBug(error, 'keeping history within its bound');
    });
  }, upkeepEveryMs);
  return () => {
    clearInterval(timer);
    removeHubFile();
  };
}

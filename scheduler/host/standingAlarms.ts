// Alarms that stand from the start of a host.
import type { Alarms } from '../observe/alarms.ts';
import { isLoopback } from './config.ts';
import type { HostParts } from './hostParts.ts';

/** A restart, nodes that were set aside before it, and a network that can read all. */
export function tellStanding(
  { core: { state }, config }: Pick<HostParts, 'core' | 'config'>,
  alarms: Alarms,
  liveTasks: number,
): void {
  if (state.epoch > 1) alarms.raise({ code: 'HOST_RESTARTED', source: 'host', params: { tasks: liveTasks } });
  for (const [node, reason] of state.nodes.setAside) alarms.setAside(state.nodes.idOf(node), reason);
  if (!config.isTls && !isLoopback(config.listen))
    alarms.raise({ code: 'PLAIN_TEXT', source: 'host', params: { listen: config.listen } });
}

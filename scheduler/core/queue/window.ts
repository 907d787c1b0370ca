// The ready window: which of the waiting tasks the next cycles look at. It is counted by lane when somebody asks.
import { priorityMax, readyWindowMax } from '../../protocol/limits.ts';
import type { Lane } from './lane.ts';
import type { ReadyQueue } from './readyQueue.ts';

/** Tasks of each lane that are in the window; a lane that is not here has none. */
export type Window = ReadonlyMap<Lane, number>;

const windows = new WeakMap<ReadyQueue, { readonly version: number; readonly window: Window }>();

/**
 * Each lane's head comes before any lane's second task, then higher priorities come first. Lanes whose ask is blocked,
 * and those of paused queues, have none. O(lanes) after a change.
 */
export function windowOf(ready: ReadyQueue): Window {
  const known = windows.get(ready);
  if (known?.version === ready.version) return known.window;
  const window = countedWindow(ready);
  windows.set(ready, { version: ready.version, window });
  return window;
}

function countedWindow(ready: ReadyQueue): Window {
  const window = new Map<Lane, number>();
  const byPriority: Lane[][] = Array.from({ length: priorityMax + 1 }, () => []);
  for (const queue of ready.queues.values())
    for (const lane of queue.lanes())
      if (!lane.askClass.isBlocked && queue.settings.mode !== 'paused') byPriority[lane.priority]?.push(lane);
  const lanes = byPriority.reverse().flat();
  let left = readyWindowMax;
  const grant = (lane: Lane, most: number): void => {
    const count = Math.min(left, most);
    left -= count;
    if (count > 0) window.set(lane, (window.get(lane) ?? 0) + count);
  };
  for (const lane of lanes) grant(lane, 1);
  for (const lane of lanes) grant(lane, lane.size - (window.get(lane) ?? 0));
  return window;
}

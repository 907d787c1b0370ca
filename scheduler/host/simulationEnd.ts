// Takes the simulated plant away, and nothing else: live tasks, nodes, ended tasks and metrics, in bounded chunks.
import type { Engine } from '../engine/engine.ts';
import type { History } from '../history/store.ts';
import type { NodeId, TaskId } from '../protocol/brands.ts';
import type { Command } from '../protocol/events.ts';
import { rowState } from '../protocol/fleetColumns.ts';
import { liveTasksMax } from '../protocol/limits.ts';
import { isSimulatedNode } from '../protocol/node.ts';
import { simulationActor } from '../protocol/simulation.ts';

/** Commands given at once: a quarter of what one cycle takes, so that real agents' results get in between. */
const commandsPerTurn = 256;
const passEveryMs = 500;
/** Longer than a lease: what has not gone by then is held by a fleet that somebody else runs. */
const patienceMs = 40_000;

export interface RemovalParts {
  readonly engine: Pick<Engine, 'view' | 'execute'>;
  readonly history: Pick<History, 'dropSimulated'>;
  readonly onProgress: (done: number, total: number) => void;
}

/** Resolves with how many nodes stayed, since they are connected still. */
export async function removeSimulated({ engine, history, onProgress }: RemovalParts): Promise<number> {
  const { view } = engine;
  const asked = new Set<TaskId>();
  let total = 0;
  let least = Infinity;
  let movedAtMs = performance.now();
  for (;;) {
    const tasks = view.liveTasksOfKind('simulated', liveTasksMax);
    const nodes = simulatedNodes(engine);
    const left = tasks.total + nodes.all.length;
    total = Math.max(total, left);
    onProgress(total - left, total);
    if (left < least) {
      least = left;
      movedAtMs = performance.now();
    }
    if (left === 0 || performance.now() - movedAtMs > patienceMs) break;
    const fresh = tasks.taskIds.filter((taskId) => !asked.has(taskId));
    for (const taskId of fresh) asked.add(taskId);
    await give(engine, fresh.map(cancelled));
    await give(engine, nodes.leaving.map(forgotten));
    await pause(passEveryMs);
  }
  await dropEnded(history, (dropped, left) => {
    onProgress(total + dropped, total + dropped + left);
  });
  return simulatedNodes(engine).all.length;
}

const cancelled = (taskId: TaskId): Command => ({
  kind: 'CancelTask',
  taskId,
  actor: simulationActor,
  reason: 'the simulated plant was ended',
});
const forgotten = (nodeId: NodeId): Command => ({ kind: 'ForgetNode', nodeId, actor: simulationActor });

/** What is refused (it ended meanwhile, or its leases run) is looked at again with the next pass. */
async function give(engine: Pick<Engine, 'execute'>, commands: readonly Command[]): Promise<void> {
  for (let from = 0; from < commands.length; from += commandsPerTurn) {
    await Promise.all(commands.slice(from, from + commandsPerTurn).map(engine.execute));
    await pause(0);
  }
}

async function dropEnded(
  history: RemovalParts['history'],
  onDropped: (dropped: number, left: number) => void,
): Promise<void> {
  let dropped = 0;
  for (;;) {
    const chunk = await history.dropSimulated();
    dropped += chunk.dropped;
    onDropped(dropped, chunk.left);
    if (chunk.left === 0) return;
    await pause(0);
  }
}

/** `leaving`: not connected and holding nothing, so that they can be forgotten. O(nodes). */
export function simulatedNodes({ view }: Pick<Engine, 'view'>) {
  const { rows, ids, specs, state, attempts } = view.fleetColumns();
  const all: NodeId[] = [];
  const leaving: NodeId[] = [];
  let online = 0;
  for (let row = 0; row < rows; row += 1) {
    const nodeId = ids[row];
    const spec = specs[row];
    if (nodeId === undefined || spec === undefined || !isSimulatedNode(spec)) continue;
    all.push(nodeId);
    if (state[row] === rowState.online) online += 1;
    else if (attempts[row]?.size === 0) leaving.push(nodeId);
  }
  return { all, leaving, online };
}

const pause = (forMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, forMs);
  });

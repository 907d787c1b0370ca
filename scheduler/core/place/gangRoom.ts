// When a gang that found no room is worth another try: once the plant has as many seats for it as it has members. They
// are counted as nodes gain and lose room, one look per node, so that a try is not made at every end of a task.
import type { NodeIndex } from '../../protocol/brands.ts';
import { gpuDevicesMax, gpuThousandthsPerDevice } from '../../protocol/limits.ts';
import type { AskClass } from '../state/classTable.ts';
import type { NodeTable } from '../state/nodeTable.ts';
import type { Placer } from './pipeline.ts';

interface Waiting {
  readonly size: number;
  /** Seats by node, where there are any. */
  readonly seats: Map<NodeIndex, number>;
  total: number;
}

/** Soft state: after a restart every gang is tried, and what it found is counted anew. */
export class GangRoom {
  readonly #waiting = new Map<AskClass, Waiting>();
  /** Nodes that lost room since seats were last counted. */
  readonly #taken = new Set<NodeIndex>();

  /** `found`: every seat there was, a node as often as it has some. */
  wait(ask: AskClass, size: number, found: readonly NodeIndex[]): void {
    const seats = new Map<NodeIndex, number>();
    for (const node of found) seats.set(node, (seats.get(node) ?? 0) + 1);
    this.#waiting.set(ask, { size, seats, total: found.length });
  }

  /** To be called for every placement. */
  taken(node: NodeIndex): void {
    if (this.#waiting.size > 0) this.#taken.add(node);
  }

  /** Counts what has changed; gives the asks that may fit now, watched no longer. O(gang asks x nodes changed). */
  ripe(freed: ReadonlySet<NodeIndex>, fleet: NodeTable, placer: Placer): readonly AskClass[] {
    const ripe: AskClass[] = [];
    for (const [ask, waiting] of this.#waiting) {
      if (!ask.isBlocked || ask.users === 0) {
        this.#waiting.delete(ask);
        continue;
      }
      let hasGained = false;
      for (const node of this.#taken) if (!freed.has(node)) recount(waiting, node, { ask, fleet, placer });
      for (const node of freed) hasGained = recount(waiting, node, { ask, fleet, placer }) > 0 || hasGained;
      if (!hasGained || waiting.total < waiting.size) continue;
      ripe.push(ask);
      this.#waiting.delete(ask);
    }
    this.#taken.clear();
    return ripe;
  }
}

interface Counted {
  readonly ask: AskClass;
  readonly fleet: NodeTable;
  readonly placer: Placer;
}

/** The seats that the node has now. */
function recount(waiting: Waiting, node: NodeIndex, { ask, fleet, placer }: Counted): number {
  const before = waiting.seats.get(node) ?? 0;
  const now = placer.fits(node, ask) ? Math.min(waiting.size, seatsOn(node, ask, fleet)) : 0;
  waiting.total += now - before;
  if (now === 0) waiting.seats.delete(node);
  else waiting.seats.set(node, now);
  return now;
}

/** How many such tasks the node has room for by what it has free, 1 where they must be apart. */
function seatsOn(node: NodeIndex, { ask }: AskClass, fleet: NodeTable): number {
  const times = (free: number | undefined, each: number): number =>
    each > 0 ? Math.floor((free ?? 0) / each) : Number.POSITIVE_INFINITY;
  let seats = Math.min(
    times(fleet.cpuFree[node], ask.cpu),
    times(fleet.memoryFree[node], ask.memory),
    times(fleet.slotsFree[node], ask.slots),
  );
  for (const [name, amount] of Object.entries(ask.custom))
    seats = Math.min(seats, times(fleet.customFree[fleet.knownCustomColumn(name) ?? -1]?.[node], amount));
  return ask.gpu ? Math.min(seats, gpuSeats(node, ask.gpu, fleet)) : seats;
}

function gpuSeats(
  node: NodeIndex,
  { devices, thousandths }: NonNullable<AskClass['ask']['gpu']>,
  fleet: NodeTable,
): number {
  let shared = 0;
  let whole = 0;
  for (let device = 0; device < (fleet.gpuDevices[node] ?? 0); device += 1) {
    const free = fleet.gpuFree[node * gpuDevicesMax + device] ?? 0;
    shared += Math.floor(free / thousandths);
    if (free === gpuThousandthsPerDevice) whole += 1;
  }
  return thousandths < gpuThousandthsPerDevice ? shared : Math.floor(whole / devices);
}

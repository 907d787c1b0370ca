// A node that came back smaller than what it holds takes no new work until that fits: looked at after each turn, since a
// turn places last.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';

/** Placements of this turn on nodes that have less than nothing free, in words. */
export function placedWhereShort({ state: { nodes } }: Core, { batch }: TurnResult): readonly string[] {
  const broken: string[] = [];
  for (const event of batch?.events ?? []) {
    const node = event.kind === 'attempt_placed' ? nodes.indexOf(event.nodeId) : undefined;
    if (node === undefined || !nodes.overheld.has(node)) continue;
    const free = [nodes.cpuFree[node] ?? 0, nodes.memoryFree[node] ?? 0, nodes.slotsFree[node] ?? 0];
    if (free.some((amount) => amount < 0))
      broken.push(`work was placed on ${nodes.idOf(node)}, which has ${free.join(', ')} free`);
  }
  return broken;
}

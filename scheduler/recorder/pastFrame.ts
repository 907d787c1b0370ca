// A time of the past as a heat map shows it: the console's own columns, over the view of the core of then.
import { encodeFlags, encodeValues } from '../console/fleetEncoder.ts';
import { PlantIndex, type PlantOrder } from '../console/plantIndex.ts';
import { rollupsOf } from '../console/rollups.ts';
import { checksum } from '../journal/record.ts';
import type { Ms } from '../protocol/brands.ts';
import { fleetFlag, type MetricId, metrics, type Topology } from '../protocol/fleetFrames.ts';
import type { PastFrame } from '../protocol/recorder.ts';
import type { SchedulerView } from '../protocol/view.ts';

export const pastTopology = (view: SchedulerView): Topology => orderOf(view).topology;

export function pastFrame(view: SchedulerView, atMs: Ms, metric: MetricId): PastFrame {
  const order = orderOf(view);
  const { topology } = order;
  const columns = view.fleetColumns();
  const values = encodeValues(columns, order, metric, atMs);
  // When a node was last heard is soft state: nobody knows which samples were stale then.
  const flags = encodeFlags(columns, order, atMs, 0).flags.map((byte) => byte & ~fleetFlag.stale);
  const roll = (groups: Topology['lines']) => rollupsOf(groups, values, flags, metrics[metric]);
  const { topologyEpoch, lines, areas } = topology;
  return { atMs, metric, topologyEpoch, values, flags, lines: roll(lines), areas: roll(areas) };
}

/** Its number is made of its content: a window that goes back and forth keeps the structures it has. */
function orderOf(view: SchedulerView): PlantOrder {
  const { topology, rows } = new PlantIndex(view, () => 0).current();
  const { nodes, areas, lines, cells } = topology;
  const topologyEpoch = checksum(Buffer.from(JSON.stringify([nodes, areas, lines, cells])));
  return { topology: { ...topology, topologyEpoch }, rows };
}

// Placement rules, licences and maintenance windows of a seed's tasks: each such that the task can end.
import type { MaintenanceWindow } from '../../scheduler/protocol/maintenance.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { World } from './world.ts';

interface PlannedNode {
  readonly nodeId: string;
  readonly spec: NodeSpec;
}
type Placement = NonNullable<TaskSpec['placement']>;
const scopes = ['node', 'cell', 'line', 'area'] as const;
const apps = ['db', 'web', 'etl'] as const;
export const licences = [
  { licence: 'cad', total: 2 },
  { licence: 'mill', total: 1 },
] as const;

/** The spec, with rules in about a third of the cases. */
export function withPlacement(world: World, spec: TaskSpec, nodes: readonly PlannedNode[]): TaskSpec {
  if (spec.gang || !world.chance(0.35)) return spec;
  const app = world.pick(apps);
  const ruled = { ...spec, labels: { ...spec.labels, app }, placement: placementOf(world, app) };
  const licence = world.pick(licences).licence;
  const more = {
    ...(world.chance(0.2) && { licences: { [licence]: 1 } }),
    ...(world.chance(0.5) && { expectedMs: world.pick([2_000, 10_000]) }),
  };
  const isPossible = nodes.some((node) => isOpenTo(node, ruled));
  return isPossible ? { ...ruled, ...more } : { ...spec, labels: { ...spec.labels, app }, ...more };
}

function placementOf(world: World, app: string): Placement {
  const labels = { app };
  const within = world.pick(scopes);
  return world.pick<Placement>([
    { apart: { labels, within: world.pick(['node', 'cell']) } },
    { together: { labels, within } },
    { spread: { labels, over: within, skewMax: world.pick([1, 1, 2]) } },
    { isExclusive: true },
    { avoid: { line: [world.pick(['L1', 'L2'])], arch: ['arm64'] } },
    { prefer: [{ labels: { line: ['L2'] }, weight: 5 }] },
  ]);
}

/** Could the node take it while empty? */
export function isOpenTo({ nodeId, spec: node }: PlannedNode, task: TaskSpec): boolean {
  const known: Readonly<Record<string, string>> = { ...node.labels, ...node.place, node: nodeId };
  const isIn = ([label, values]: [string, readonly string[]]): boolean => values.includes(known[label] ?? '');
  return (
    node.kinds.includes(task.work.kind) &&
    Object.entries(task.selector).every(isIn) &&
    !Object.entries(task.placement?.avoid ?? {}).some(isIn) &&
    node.taints.every((taint) => task.tolerations.includes(taint)) &&
    isLargeEnough(node.resources, task.ask)
  );
}
const isLargeEnough = (has: NodeSpec['resources'], ask: TaskSpec['ask']): boolean =>
  has.cpu >= ask.cpu &&
  has.memory >= ask.memory &&
  has.slots >= ask.slots &&
  has.gpuDevices >= (ask.gpu?.devices ?? 0) &&
  Object.entries(ask.custom).every(([name, amount]) => (has.custom[name] ?? 0) >= amount);

/** A window of some seconds on a line or a node, soon. */
export function windowFrom(world: World, nowMs: number, nodes: readonly PlannedNode[]): MaintenanceWindow {
  const { nodeId, spec } = world.pick(nodes);
  const fromMs = Math.floor(nowMs + world.pick([0, 3_000, 8_000]));
  return {
    id: `window-${String(world.whole(0, 3))}`,
    scope: world.chance(0.5) ? { line: [spec.place.line] } : { node: [nodeId], area: ['body'] },
    fromMs,
    untilMs: fromMs + world.whole(1_000, 12_000),
    note: '',
  };
}

// Two loads of their own, each in one seed of ten: queues and tenants that all want the same, for shares over time; and
// wide tasks among narrow ones, for the room that is kept for them.
import { mib, millicores, nodeId, queueName } from '../../scheduler/protocol/brands.ts';
import { type TaskSpec, tenantDefault } from '../../scheduler/protocol/task.ts';
import type { LoadKind, Plan, PlannedNode, PlannedQueue } from './plan.ts';
import type { World } from './world.ts';

const seedsPerKind = 10;
const tenants = [tenantDefault, 'press-shop', 'paint'] as const;
const crowdTasks = 300;
const crowdCpu = 500;
/** In some crowds one queue is sure of more than its weight gives it. */
const guaranteedShare = 0.3;
const guaranteedCpu = 6_000;
const wideTasks = 8;
const narrowTasks = 240;
const wideNodeCpu = 4_000;
/** What an honest estimate is longer than the run: it covers messages under way. */
const marginMs = 2_000;

export function loadKindOf(seed: number): LoadKind {
  if (seed % seedsPerKind === 4) return 'crowd';
  return seed % seedsPerKind === 9 ? 'wide' : 'mixed';
}

/** More of one ask than there is room for, from queues whose tasks run for different times. */
export function crowdPlan(world: World): Plan {
  const nodes = Array.from({ length: world.whole(3, 6) }, (_, at) =>
    plainNode(at, world.pick([2_000, 4_000])),
  );
  const isSure = world.chance(guaranteedShare);
  const queues = Array.from({ length: world.whole(2, 4) }, (_, at) => ({
    ...plainQueue(at, world.pick([1, 1, 2, 5])),
    change: isSure && at === 0 ? { guaranteed: { cpu: guaranteedCpu } } : {},
  }));
  const specs = Array.from({ length: crowdTasks }, (_, at) => {
    const times = 1 + (at % queues.length);
    const spec = plainTask({ at, cpu: crowdCpu, runMs: times * world.whole(1_500, 4_000) });
    const { queue = queueName('default') } = queues[at % queues.length] ?? {};
    return { ...spec, queue, tenant: world.pick(tenants), priority: world.whole(0, 9) };
  });
  return { kind: 'crowd', nodes, queues, specs, workflows: [] };
}

/** Half of these plans have users who know how long their tasks run; the others are far off, both ways. */
export function widePlan(world: World): Plan {
  const nodes = Array.from({ length: world.whole(2, 4) }, (_, at) => plainNode(at, wideNodeCpu));
  const isHonest = world.chance(0.5);
  const backfill = world.pick([{}, { backfill: 'easy' }, { backfill: 'conservative' }] as const);
  const queues = [0, 1].map((at) => ({ ...plainQueue(at, 1), change: backfill }));
  const lie = (): number => world.pick([0.2, 1, 3]);
  const specs = Array.from({ length: wideTasks + narrowTasks }, (_, at) => {
    const isWide = at % Math.ceil(narrowTasks / wideTasks) === 3;
    const runMs = world.whole(8_000, 25_000);
    const cpu = isWide ? wideNodeCpu : world.pick([500, 1_000]);
    const queue = isWide ? queueName('default') : world.pick(queues).queue;
    const expectedMs = isHonest ? runMs + marginMs : Math.round(runMs * lie());
    return { ...plainTask({ at, cpu, runMs }), queue, expectedMs };
  });
  return { kind: 'wide', nodes, queues, specs, workflows: [] };
}

function plainNode(at: number, cpu: number): PlannedNode {
  const line = `L${String(1 + (at % 2))}`;
  const resources = { cpu: millicores(cpu), memory: mib(cpu), gpuDevices: 0, slots: 64, custom: {} };
  const offered = {
    labels: {},
    taints: [],
    kinds: ['simulated' as const],
    agentVersion: 'sim',
    platform: '',
  };
  const place = { area: 'body', line, cell: `${line}-C1` };
  return { nodeId: nodeId(`${line}-N${String(at)}`), spec: { place, resources, ...offered } };
}
const plainQueue = (at: number, weight: number): PlannedQueue => ({
  queue: queueName(at === 0 ? 'default' : `queue-${String(at - 1)}`),
  weight,
  canPreempt: false,
  change: {},
});

function plainTask({ at, cpu, runMs }: { at: number; cpu: number; runMs: number }): TaskSpec {
  return {
    name: `task ${String(at % 20)}`,
    queue: queueName('default'),
    priority: 5,
    work: { kind: 'simulated', runMs, exitCode: 0 },
    ask: { cpu: millicores(cpu), memory: mib(16), slots: 1, custom: {} },
    selector: {},
    tolerations: [],
    timeoutMs: 600_000,
    graceMs: 500,
    retry: { attemptsMax: 4, backoffMs: 500, backoffCapMs: 2_000 },
    delivery: 'at_least_once',
    labels: {},
    tenant: tenantDefault,
    key: `key-${String(at)}`,
  };
}

// One seed's plant and work: nodes of several sizes, and tasks of several asks, each of which some node could run.
import { mib, millicores, nodeId, type QueueName, queueName } from '../../scheduler/protocol/brands.ts';
import { type Ask, type TaskSpec, tenantDefault } from '../../scheduler/protocol/task.ts';
import { planWorkflows, withForm } from './formsLoad.ts';
import { perhapsGang } from './gangLoad.ts';
import { withPlacement } from './placementLoad.ts';
import { crowdPlan, widePlan } from './crowdLoad.ts';
import type { LoadKind, Plan, PlannedNode, PlannedQueue } from './plan.ts';
import { queueChangeOf, withPriorities } from './queueLoad.ts';
import type { World } from './world.ts';

type Demand = Pick<TaskSpec, 'ask' | 'selector' | 'tolerations'>;

/** Names are few, so that tasks have their like. */
const likesCount = 20;
const ruleSets: readonly NonNullable<TaskSpec['retry']['rules']>[] = [
  [{ exitCodes: [3], then: 'dead_letter' }],
  [{ reasons: ['signal', 'timeout'], then: 'free', backoffMs: 3_000 }],
  [
    { reasons: ['agent_lost', 'lost'], then: 'retry' },
    { exitCodes: [3, 75], then: 'retry', backoffMs: 0 },
  ],
];
const nodesLeast = 5;
/** Half the seeds: where room is scarce, queues and priorities matter. */
const fewNodes = 10;
const nodesMost = 40;
const tasksLeast = 80;
const tasksMost = 320;

const deadlineShare = 0.2;

export function planOf(world: World, kind: LoadKind): Plan {
  switch (kind) {
    case 'mixed':
      return mixedPlan(world);
    case 'crowd':
      return crowdPlan(world);
    case 'wide':
      return widePlan(world);
  }
}

function mixedPlan(world: World): Plan {
  const lines = world.whole(1, 4);
  const nodes = Array.from({ length: world.whole(nodesLeast, world.pick([fewNodes, nodesMost])) }, (_, at) =>
    planNode(world, at, lines),
  );
  const queues = [
    { queue: queueName('default'), weight: 1, canPreempt: world.chance(0.5) },
    ...Array.from({ length: world.whole(0, 3) }, (_, at) => ({
      queue: queueName(`queue-${String(at)}`),
      weight: world.pick([1, 2, 5, 10]),
      canPreempt: world.chance(0.5),
    })),
  ];
  const demands = Array.from({ length: world.whole(2, 9) }, () => demandOf(world, world.pick(nodes)));
  const count = world.whole(tasksLeast, tasksMost);
  const specs = Array.from({ length: count }, (_, at) =>
    withPlacement(
      world,
      perhapsGang(
        world,
        withForm(
          world,
          planTask(world, at, { demand: world.pick(demands), queue: world.pick(queues).queue }),
        ),
      ),
      nodes,
    ),
  );
  const workflows = planWorkflows(world, (at) =>
    planTask(world, at, { demand: world.pick(demands), queue: world.pick(queues).queue }),
  );
  const set: readonly PlannedQueue[] = queues.map((queue, at) => ({
    ...queue,
    change: queueChangeOf(count, at),
  }));
  return { kind: 'mixed', nodes, queues: set, specs: withPriorities(specs), workflows };
}

function planNode(world: World, at: number, lines: number): PlannedNode {
  const line = `L${String(1 + (at % lines))}`;
  const cpu = world.pick([1_000, 2_000, 4_000, 8_000]);
  return {
    nodeId: nodeId(`${line}-N${String(at)}`),
    spec: {
      place: { area: 'body', line, cell: `${line}-C${String(world.whole(1, 3))}` },
      resources: {
        cpu: millicores(cpu),
        memory: mib(cpu / world.pick([1, 2, 4])),
        gpuDevices: world.chance(0.2) ? world.whole(1, 4) : 0,
        slots: world.pick([2, 4, 64]),
        custom: world.chance(0.25) ? { camera: world.whole(1, 3) } : {},
      },
      labels: world.chance(0.5) ? { arch: world.pick(['x64', 'arm64']) } : {},
      taints: world.chance(0.1) ? ['lab'] : [],
      kinds: ['simulated'],
      agentVersion: 'sim',
      platform: '',
    },
  };
}

/** An ask that this node could take while it is empty. */
function demandOf(world: World, { nodeId: id, spec }: PlannedNode): Demand {
  const { cpu, memory, gpuDevices, slots, custom } = spec.resources;
  const share = world.pick([0.1, 0.25, 0.5, 1]);
  const gpu = gpuDevices > 0 && world.chance(0.6) ? gpuAskOf(world, gpuDevices) : undefined;
  const ask: Ask = {
    cpu: millicores(Math.floor(cpu * share)),
    memory: mib(Math.floor(memory * world.pick([0.1, 0.25, share]))),
    slots: world.chance(0.1) ? slots : 1,
    custom: custom['camera'] !== undefined && world.chance(0.5) ? { camera: 1 } : {},
    ...(gpu && { gpu }),
  };
  const selectors: TaskSpec['selector'][] = [
    {},
    {},
    { line: [spec.place.line] },
    { cell: [spec.place.cell], area: ['body'] },
    { node: [id, 'no-such-node'] },
    spec.labels['arch'] === undefined ? {} : { arch: [spec.labels['arch'], 'riscv'] },
  ];
  return { ask, selector: world.pick(selectors), tolerations: [...spec.taints] };
}
const gpuAskOf = (world: World, devices: number): NonNullable<Ask['gpu']> =>
  world.chance(0.5)
    ? { devices: 1, thousandths: world.pick([200, 250, 500]) }
    : { devices: world.whole(1, devices), thousandths: 1_000 };

function planTask(
  world: World,
  at: number,
  { demand, queue }: { readonly demand: Demand; readonly queue: QueueName },
): TaskSpec {
  const runMs = world.chance(0.05) ? world.whole(15_000, 45_000) : world.whole(50, 6_000);
  const backoffMs = world.pick([100, 500, 1_000]);
  return {
    name: `task ${String(at % likesCount)}`,
    queue,
    priority: world.whole(0, 9),
    work: { kind: 'simulated', runMs, exitCode: world.chance(0.06) ? 3 : 0 },
    ...demand,
    timeoutMs: world.chance(0.04) ? Math.max(100, runMs - 500) : 600_000,
    graceMs: world.pick([0, 500, 5_000]),
    retry: {
      attemptsMax: world.whole(1, 4),
      backoffMs,
      backoffCapMs: world.pick([2_000, 8_000]),
      ...(world.chance(0.2) && { rules: world.pick(ruleSets) }),
    },
    ...(world.chance(0.3) && { isRepeatable: true, expectedMs: world.pick([500, 2_000]) }),
    delivery: world.chance(0.15) ? 'at_most_once' : 'at_least_once',
    labels: {},
    tenant: world.pick([tenantDefault, 'press-shop', 'paint']),
    ...(world.chance(0.4) && { isPreemptible: true }),
    ...(world.chance(deadlineShare) && { deadlineMs: Math.round(world.wallMs + world.between(0, 90_000)) }),
    ...(world.chance(0.3) && { key: `key-${String(at)}` }),
  };
}

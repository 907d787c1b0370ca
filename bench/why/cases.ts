// Random plants with a task that waits in each, and an oracle that knows without explaining: it changes a copy of the
// plant and lets the real core try. What `why` says must agree with what then happens.
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import { type Random, seededRandom } from '../../scheduler/core/ports.ts';
import { nodeId, queueName, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { type NodeSpec, nodeSpecSchema } from '../../scheduler/protocol/node.ts';
import { type TaskSpec, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import type { WhyAnswer, WhyHelp } from '../../scheduler/protocol/why.ts';

const atMs = 1_794_000_000_000;
const actor = 'oracle';
const moreThanOneTurn = 300;
const smallTask: TaskSpec = v.parse(taskSpecSchema, {
  work: { kind: 'simulated', runMs: 1_000 },
  ask: { cpu: 1, memory: 1 },
  priority: 9,
});

interface PlannedNode {
  readonly id: string;
  readonly spec: NodeSpec;
  readonly isCordoned: boolean;
  readonly isAway: boolean;
}
export interface Case {
  readonly core: Core;
  readonly nodes: readonly PlannedNode[];
  readonly spec: TaskSpec;
  readonly taskId: TaskId;
}

/** A case of this seed whose task waits; undefined where it was placed at once. */
export function caseOf(seed: number): Case | undefined {
  const dice = new Dice(seed);
  // Now and then a plant with room for all, where more small tasks go first than one turn places.
  const isRoomy = dice.chance(0.2);
  const nodes = Array.from({ length: dice.whole(1, 12) }, (_, at) => plannedNode(dice, at, isRoomy));
  const core = loaded(dice, nodes);
  const spec = plannedTask(dice, dice.pick(['default', 'default', 'default', 'narrow', 'paused']));
  const ahead = isRoomy ? Array.from({ length: moreThanOneTurn }, () => smallTask) : [];
  const [outcome] = core.turn(atMs, [{ kind: 'SubmitTasks', specs: [...ahead, spec], actor }]).answers;
  const answer = outcome?.ok === true ? outcome.value.answers?.at(-1) : undefined;
  if (answer?.ok !== true) throw new Error(`seed ${String(seed)}: the task was refused`);
  const { taskId } = answer;
  return core.state.tasks.get(taskId)?.live ? undefined : { core, nodes, spec, taskId };
}

/** The plant with some of its nodes cordoned or away, its queues, and what runs and waits already. */
function loaded(dice: Dice, nodes: readonly PlannedNode[]): Core {
  const core = begun(nodes);
  for (const { id, isCordoned, isAway } of nodes) {
    if (isCordoned) core.turn(atMs, [{ kind: 'SetCordon', nodeId: nodeId(id), isCordoned, actor }]);
    if (isAway) core.turn(atMs, [{ kind: 'DisconnectNode', nodeId: nodeId(id) }]);
  }
  core.turn(atMs, [
    { kind: 'PutQueue', queue: queueName('paused'), change: { mode: 'paused' }, actor },
    { kind: 'PutQueue', queue: queueName('narrow'), change: { runningMax: dice.whole(1, 3) }, actor },
  ]);
  const ofNarrow = Array.from({ length: dice.whole(0, 4) }, () => plannedTask(dice, 'narrow'));
  const others = Array.from({ length: dice.pick([0, 10, 40, 400]) }, () => plannedTask(dice, 'default'));
  for (const specs of [ofNarrow, others])
    if (specs.length > 0) core.turn(atMs, [{ kind: 'SubmitTasks', specs, actor }]);
  return core;
}

/** What the plant itself says: alone on it now, or alone on it when all of it is free. */
export function verdictOf({ core, nodes, spec, taskId }: Case): WhyAnswer['verdict'] {
  if (isPlacedAlone(copyOf(core), taskId)) return 'now';
  const open = { ...spec, queue: queueName('default') };
  return isPlaced(begun(nodes), open) ? 'later' : 'never';
}

/** Does the help help? Undefined where the oracle has no way to carry it out. */
export function isHelp(one: Case, help: WhyHelp): boolean | undefined {
  const node = one.nodes.find(({ id }) => id === help.nodeId);
  const command = commandFor(one, help, node);
  if (!command) return undefined;
  const copy = copyOf(one.core);
  copy.turn(atMs, cancelsBeside(copy, one.taskId));
  copy.turn(atMs, [command]);
  copy.turn(atMs, []);
  return copy.state.tasks.get(one.taskId)?.live !== undefined;
}

/** What lets a help come true. More room on a node: it comes back larger. */
function commandFor(one: Case, { lifts }: WhyHelp, node: PlannedNode | undefined): Command | undefined {
  if (lifts === 'QUEUE_PAUSED')
    return { kind: 'PutQueue', queue: one.spec.queue, change: { mode: 'open' }, actor };
  if (lifts === 'QUEUE_RUNNING_MAX')
    return { kind: 'PutQueue', queue: one.spec.queue, change: { runningMax: null }, actor };
  if (!node) return undefined;
  const id = nodeId(node.id);
  if (lifts === 'NODE_CORDONED') return { kind: 'SetCordon', nodeId: id, isCordoned: false, actor };
  const held = [...one.core.state.nodes.attemptsOn(one.core.state.nodes.indexOf(id) ?? (0 as never))].map(
    (token) => ({ token, state: 'running' as const }),
  );
  const join = (spec: NodeSpec): Command => ({ kind: 'JoinNode', nodeId: id, spec, held });
  if (lifts === 'NODE_NOT_ONLINE') return join(node.spec);
  const { resources } = node.spec;
  const larger = {
    INSUFFICIENT_CPU: { cpu: resources.cpu + one.spec.ask.cpu },
    INSUFFICIENT_MEMORY: { memory: resources.memory + one.spec.ask.memory },
    NO_SLOT: { slots: resources.slots + one.spec.ask.slots },
  }[lifts as string];
  if (larger) return join({ ...node.spec, resources: { ...resources, ...larger } as NodeSpec['resources'] });
  if (lifts === 'TAINT_NOT_TOLERATED') return join({ ...node.spec, taints: [] });
  return undefined;
}

function begun(nodes: readonly PlannedNode[]): Core {
  const core = new Core();
  core.turn(atMs, [{ kind: 'StartEpoch', seed: 1 }]);
  core.turn(
    atMs,
    nodes.map(({ id, spec }) => ({ kind: 'JoinNode', nodeId: nodeId(id), spec, held: [] })),
  );
  return core;
}

function isPlaced(core: Core, spec: TaskSpec): boolean {
  const { batch } = core.turn(atMs, [{ kind: 'SubmitTasks', specs: [spec], actor }]);
  return batch?.events.some(({ kind }) => kind === 'attempt_placed') === true;
}

function isPlacedAlone(copy: Core, taskId: TaskId): boolean {
  copy.turn(atMs, cancelsBeside(copy, taskId));
  copy.turn(atMs, []);
  return copy.state.tasks.get(taskId)?.live !== undefined;
}

const copyOf = (core: Core): Core => Core.restored(core.snapshotParts());

/** Of all other tasks that wait. */
const cancelsBeside = (core: Core, taskId: TaskId): readonly Command[] =>
  [...core.state.tasks.all()]
    .filter((task) => task.taskId !== taskId && !task.live)
    .map((task) => ({ kind: 'CancelTask', taskId: task.taskId, actor, reason: '' }));

function plannedNode(dice: Dice, at: number, isRoomy: boolean): PlannedNode {
  const cpu = isRoomy ? 512_000 : dice.pick([500, 1_000, 2_000, 4_000]);
  const line = `L${String(1 + (at % 3))}`;
  const offered = {
    place: { area: 'body', line, cell: `${line}-C${String(dice.whole(1, 2))}` },
    resources: {
      cpu,
      memory: isRoomy ? 1_048_576 : dice.pick([256, 1_024, 4_096]),
      slots: isRoomy ? 5_000 : dice.pick([1, 2, 64]),
      gpuDevices: dice.chance(0.2) ? dice.whole(1, 2) : 0,
      custom: dice.chance(0.2) ? { camera: dice.whole(1, 2) } : {},
    },
    labels: dice.chance(0.5) ? { arch: dice.pick(['x64', 'arm64']) } : {},
    taints: dice.chance(0.15) ? ['lab'] : [],
    kinds: dice.chance(0.1) ? ['command'] : ['simulated'],
    agentVersion: 'oracle',
  };
  return {
    id: `n${String(at)}`,
    spec: v.parse(nodeSpecSchema, offered),
    isCordoned: dice.chance(0.15),
    isAway: dice.chance(0.15),
  };
}

function plannedTask(dice: Dice, queue: string): TaskSpec {
  return v.parse(taskSpecSchema, {
    queue,
    work: { kind: 'simulated', runMs: 1_000 },
    ask: {
      cpu: dice.pick([100, 400, 1_000, 2_000, 8_000]),
      memory: dice.pick([16, 64, 1_000, 5_000]),
      slots: dice.chance(0.1) ? 2 : 1,
      custom: dice.chance(0.1) ? { camera: dice.whole(1, 3) } : {},
      ...(dice.chance(0.1) ? { gpu: { devices: dice.whole(1, 3) } } : {}),
    },
    selector: dice.pick([
      {},
      {},
      {},
      { arch: ['x64'] },
      { line: [`L${String(dice.whole(1, 4))}`] },
      { node: ['n0', 'n77'] },
    ]),
    tolerations: dice.chance(0.3) ? ['lab'] : [],
    ...(dice.chance(0.1) && { placement: { avoid: { cell: ['L1-C1', 'L2-C1', 'L3-C2'] } } }),
  });
}

class Dice {
  readonly #random: Random;
  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }
  chance(share: number): boolean {
    return this.#random.next() < share;
  }
  whole(least: number, most: number): number {
    return least + Math.floor(this.#random.next() * (most - least + 1));
  }
  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new Error('nothing to pick from');
    return item;
  }
}

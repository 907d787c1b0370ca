// Draws the faults of a plan: which, when, whose, and how long.
import { plantTiming } from '../../scheduler/protocol/timing.ts';
import type { Draw } from './draw.ts';
import {
  type AgentMoment,
  type Direction,
  type Fault,
  type FaultKind,
  type HostFaultKind,
  isHostFault,
  type KillMoment,
  type PowerCut,
} from './plan.ts';

const { attemptLeaseMs, nodeLeaseMs } = plantTiming;
/** Short times that do not scale: a process needs them to start. */
const startMs = 300;

interface Setting {
  readonly agents: number;
  readonly scale: number;
  readonly span: number;
}

/** How likely each is, in parts of all. */
const weights: Readonly<Record<FaultKind, number>> = {
  host_killed: 5,
  host_power_cut: 5,
  host_stopped: 3,
  agent_killed: 4,
  agent_power_cut: 4,
  agent_stopped: 4,
  agent_disk_full: 1,
  connection_cut: 3,
  half_open: 5,
  disk_full: 2,
  write_error: 2,
  slow_disk: 2,
  clock_jump: 2,
  tasks_cancelled: 2,
  dead_letters_requeued: 2,
  node_cordoned: 1,
};

export function faultOf(draw: Draw, setting: Setting): Fault {
  const atMs = Math.round(draw.share() * setting.span);
  const kind = kindOf(draw);
  return isHostFault(kind)
    ? { atMs, ...hostFault(draw, kind, setting) }
    : { atMs, ...plantFault(draw, kind, setting) };
}

function kindOf(draw: Draw): FaultKind {
  const kinds = Object.entries(weights) as [FaultKind, number][];
  let left = draw.share() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'host_killed';
}

type Bare<Kind extends FaultKind> = Kind extends FaultKind
  ? Omit<Extract<Fault, { kind: Kind }>, 'atMs'>
  : never;

const moments: readonly KillMoment[] = ['any', 'beforeCommit', 'afterCommit'];
const agentMoments: readonly AgentMoment[] = ['any', 'afterSync'];
const cuts: readonly PowerCut[] = ['kept', 'lost', 'torn', 'garbled'];

function hostFault(draw: Draw, kind: HostFaultKind, { scale }: Setting): Bare<HostFaultKind> {
  const downMs = draw.whole(0, 3_000 * scale + startMs);
  switch (kind) {
    case 'host_killed':
      return { kind, moment: draw.one(moments), downMs };
    case 'host_power_cut':
      return { kind, moment: draw.one(moments), downMs, cut: draw.one(cuts) };
    case 'host_stopped':
      return { kind, forMs: silenceMs(draw, scale) };
    case 'disk_full':
      return { kind, forMs: draw.whole(500, 5_000 * scale + 1_000) };
    case 'write_error':
      return { kind, isAfterWrite: draw.chance(0.5) };
    case 'slow_disk':
      return { kind, stallMs: draw.whole(500, 3_000) };
  }
}

type PlantFaultKind = Exclude<FaultKind, HostFaultKind>;
/** Those that last as long as a silence of a node. */
const lastingKinds = ['agent_disk_full', 'agent_stopped', 'node_cordoned'] as const;
type LastingKind = (typeof lastingKinds)[number];
const isLasting = (kind: PlantFaultKind): kind is LastingKind =>
  (lastingKinds as readonly string[]).includes(kind);

function plantFault(draw: Draw, kind: PlantFaultKind, { scale, agents }: Setting): Bare<PlantFaultKind> {
  const agent = draw.whole(0, agents - 1);
  const forMs = silenceMs(draw, scale);
  if (isLasting(kind)) return { kind, agent, forMs };
  const downMs = draw.whole(0, forMs);
  switch (kind) {
    case 'agent_killed':
      return { kind, agent, moment: draw.one(agentMoments), downMs };
    case 'agent_power_cut':
      return { kind, agent, moment: draw.one(agentMoments), downMs, cut: draw.one(cuts) };
    case 'connection_cut':
      return { kind, agent };
    case 'half_open': {
      const direction = draw.one<Direction>(['up', 'down', 'both']);
      return { kind, agent, direction, forMs, endsWithReset: draw.chance(0.5) };
    }
    case 'clock_jump':
      return { kind, whose: draw.chance(0.5) ? 'host' : agent, hours: draw.chance(0.5) ? 24 : -24 };
    case 'tasks_cancelled':
      return { kind, count: draw.whole(1, 8) };
    case 'dead_letters_requeued':
      return { kind };
  }
}

/** Half of them shorter than the lease of a node, half longer than that of its attempts. */
function silenceMs(draw: Draw, scale: number): number {
  const isLong = draw.chance(0.5);
  const plainMs = isLong ? attemptLeaseMs * (1.1 + draw.share()) : nodeLeaseMs * draw.share() * 0.9;
  return Math.round(plainMs * scale);
}

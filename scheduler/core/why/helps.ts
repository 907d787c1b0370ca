// What would let a waiting task start. Each is tried: with only that rule lifted, so many nodes would take it now.
import { whyHelpsMax } from '../../protocol/limits.ts';
import type { TaskPendingReason } from '../../protocol/reasons.ts';
import type { WhyCause, WhyFacts, WhyHelp } from '../../protocol/why.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Task } from '../state/taskTable.ts';
import type { NodeScan } from './nodeScan.ts';

interface Known {
  readonly scan: NodeScan;
  readonly causes: readonly WhyCause[];
}

/** The easiest to do first, then by how many nodes it opens. Times and turns help themselves, and are not listed. */
export function helpsOf(state: SchedulerState, task: Task, { scan, causes }: Known): readonly WhyHelp[] {
  const gates = causes.filter(({ reason }) => helpable.has(reason));
  const ofGates = gates.map(({ reason, facts }) => ({ lifts: reason as TaskPendingReason, nodes: 0, facts }));
  // Where nodes take it already, more of them help nothing.
  const sole = scan.fitsNow ? [] : [...scan.sole.values()];
  const ofNodes = sole.map(({ rule, nodes, node }): WhyHelp => {
    const { has, needs } = rule.compare(node, task.askClass, state.nodes);
    return { lifts: rule.reason, nodes, nodeId: state.nodes.idOf(node), facts: { has, needs } };
  });
  ofNodes.sort((a, b) => easeOf(a.lifts) - easeOf(b.lifts) || b.nodes - a.nodes);
  const helps = [...ofGates, ...ofNodes];
  if (helps.length > 0 || scan.fitsEver) return helps.slice(0, whyHelpsMax);
  return largest(state, task);
}

/** Gates that somebody can open. */
const helpable: ReadonlySet<string> = new Set([
  'QUEUE_PAUSED',
  'QUEUE_RUNNING_MAX',
  'QUEUE_RATE',
  'QUEUE_QUOTA',
  'TENANT_RUNNING_MAX',
  'TENANT_QUOTA',
  'ARRAY_RUNNING_MAX',
  'LICENCE',
]);

/** One click, then a setting, then a machine. */
const ease: Partial<Record<TaskPendingReason, number>> = {
  NODE_CORDONED: 0,
  NODE_SET_ASIDE: 0,
  MAINTENANCE: 1,
  TAINT_NOT_TOLERATED: 1,
  LABEL_MISMATCH: 1,
  NODE_NOT_ONLINE: 2,
};
const easeOf = (reason: TaskPendingReason): number => ease[reason] ?? 3;

/** No node could ever take it: what the largest node that offers its kind has, so that the ask can be made smaller. */
function largest({ nodes, classes }: SchedulerState, { askClass }: Task): readonly WhyHelp[] {
  const { ask, kind } = askClass;
  const most = { cpu: 0, memory: 0, slots: 0, gpu: 0 };
  for (const node of nodes.occupied()) {
    if (!classes.nodeClasses[nodes.nodeClass[node] ?? -1]?.kinds.includes(kind)) continue;
    most.cpu = Math.max(most.cpu, nodes.cpuTotal[node] ?? 0);
    most.memory = Math.max(most.memory, nodes.memoryTotal[node] ?? 0);
    most.slots = Math.max(most.slots, nodes.slotsTotal[node] ?? 0);
    most.gpu = Math.max(most.gpu, nodes.gpuDevices[node] ?? 0);
  }
  const tooMuch: readonly (readonly [TaskPendingReason, number, number])[] = [
    ['INSUFFICIENT_CPU', most.cpu, ask.cpu],
    ['INSUFFICIENT_MEMORY', most.memory, ask.memory],
    ['NO_SLOT', most.slots, ask.slots],
    ['INSUFFICIENT_GPU', most.gpu, ask.gpu?.devices ?? 0],
  ];
  return tooMuch
    .filter(([, has, needs]) => needs > has)
    .map(([lifts, has, needs]) => ({ lifts, nodes: 0, facts: { has, needs } satisfies WhyFacts }))
    .slice(0, whyHelpsMax);
}

// What must always hold, checked in tests, in simulation and on demand. Each broken rule is named with what broke it.
import type { NodeIndex } from '../../protocol/brands.ts';
import { checkSchedules } from './scheduleInvariants.ts';
import {
  copiesMax,
  gpuDevicesMax,
  gpuThousandthsPerDevice,
  liveTasksMax,
  nodesMax,
  readyWindowMax,
} from '../../protocol/limits.ts';
import { checkGangs } from './gangInvariants.ts';
import { checkGroups } from './groupInvariants.ts';
import { nodeState } from './nodeTable.ts';
import { checkPreemption } from '../preempt/preemptionInvariants.ts';
import { brokenQueues } from './queueInvariants.ts';
import { checkRules } from './ruleInvariants.ts';
import type { SchedulerState } from './schedulerState.ts';
import { attemptsOf, type LiveAttempt, type Task } from './taskTable.ts';

/** Broken rules in words; empty where all hold. O(nodes + tasks). */
export function brokenInvariants(state: SchedulerState): readonly string[] {
  const broken: string[] = [];
  const check = (isTrue: boolean, what: string): void => {
    if (!isTrue) broken.push(what);
  };
  checkSchedules(state, check);
  const held = heldByNode(state, check);
  for (const node of state.nodes.occupied()) checkNode(state, node, { held: held.get(node) ?? [], check });
  for (const task of state.tasks.all()) checkTask(state, task, check);
  for (const wrong of brokenQueues(state)) check(false, wrong);
  checkGangs(state, check);
  checkGroups(state, check);
  checkRules(state, check);
  checkPreemption(state, check);
  checkCopies(state, check);
  check(state.tasks.size <= liveTasksMax, `limit: ${String(state.tasks.size)} live tasks`);
  check(state.nodes.size <= nodesMax, `limit: ${String(state.nodes.size)} nodes`);
  check(
    state.ready.windowSize <= readyWindowMax,
    `limit: ready window holds ${String(state.ready.windowSize)}`,
  );
  return broken;
}

type Check = (isTrue: boolean, what: string) => void;

interface Held {
  readonly task: Task;
  readonly live: LiveAttempt;
}

/** Live attempts by node; also: each token belongs to one of them. */
function heldByNode(state: SchedulerState, check: Check): Map<NodeIndex, Held[]> {
  const held = new Map<NodeIndex, Held[]>();
  const seen = new Set<number>();
  for (const task of state.tasks.all())
    for (const live of attemptsOf(task)) {
      check(!seen.has(live.token), `one lease: token ${String(live.token)} is live twice`);
      seen.add(live.token);
      const list = held.get(live.node);
      if (list) list.push({ task, live });
      else held.set(live.node, [{ task, live }]);
    }
  return held;
}

function checkNode(
  state: SchedulerState,
  node: NodeIndex,
  { held, check }: { readonly held: readonly Held[]; readonly check: Check },
): void {
  const { nodes } = state;
  const name = nodes.idOf(node);
  const sum = (of: (task: Task, live: LiveAttempt) => number): number =>
    held.reduce((total, { task, live }) => total + of(task, live), 0);
  const equal = (what: string, total: number | undefined, free: number | undefined, taken: number): void => {
    if ((total ?? 0) - (free ?? 0) !== taken)
      check(false, `books: ${what} of ${name} free ${String(free)}, taken ${String(taken)}`);
    // A node that came back smaller holds what it held: nothing new goes there until it fits.
    if ((free ?? 0) < 0 && !nodes.overheld.has(node))
      check(false, `oversold: ${what} of ${name} by ${String(-(free ?? 0))}`);
  };
  equal(
    'cpu',
    nodes.cpuTotal[node],
    nodes.cpuFree[node],
    sum((task) => task.spec.ask.cpu),
  );
  equal(
    'memory',
    nodes.memoryTotal[node],
    nodes.memoryFree[node],
    sum((task) => task.spec.ask.memory),
  );
  equal(
    'slots',
    nodes.slotsTotal[node],
    nodes.slotsFree[node],
    sum((task) => task.spec.ask.slots),
  );
  for (const [column, name] of nodes.customNames.entries())
    equal(
      name,
      nodes.customTotal[column]?.[node],
      nodes.customFree[column]?.[node],
      sum((t) => t.spec.ask.custom[name] ?? 0),
    );
  for (let device = 0; device < (nodes.gpuDevices[node] ?? 0); device += 1) {
    const free = nodes.gpuFree[node * gpuDevicesMax + device];
    equal(`gpu ${String(device)}`, gpuThousandthsPerDevice, free, sum(takenOf(device)));
  }
  check(held.length === nodes.attemptsOn(node).size, `attempts: ${name} lists another number than it holds`);
  const isUp = nodes.state[node] === nodeState.online && nodes.cordoned[node] === 0;
  const isOpen =
    isUp && (nodes.slotsFree[node] ?? 0) > 0 && nodes.exclusive[node] === 0 && nodes.inWindow[node] === 0;
  check(state.index.has(node) === isOpen, `index: ${name} ${isOpen ? 'is missing' : 'should not be there'}`);
}

/** Thousandths of a device that a task's attempt has. */
const takenOf =
  (device: number) =>
  ({ spec }: Task, { gpuMask }: LiveAttempt): number =>
    ((gpuMask >> device) & 1) === 1 ? (spec.ask.gpu?.thousandths ?? gpuThousandthsPerDevice) : 0;

function checkTask(state: SchedulerState, task: Task, check: Check): void {
  const name = `task ${String(task.taskId)}`;
  const isPlaced = task.state === 'dispatched' || task.state === 'running' || task.state === 'cancelling';
  check(
    isPlaced === (task.live !== undefined),
    `state: ${name} is ${task.state}, live attempt: ${String(!!task.live)}`,
  );
  for (const { node, token } of attemptsOf(task))
    check(state.nodes.attemptsOn(node).has(token), `attempts: ${name} is not listed on its node`);
  if (!task.copy) return;
  check(task.live !== undefined && task.live.node !== task.copy.node, `copy: ${name} has both on one node`);
  check(task.spec.isRepeatable === true, `copy: ${name} is not safe to repeat`);
}

function checkCopies({ tasks }: SchedulerState, check: Check): void {
  let copies = 0;
  for (const { copy } of tasks.all()) if (copy) copies += 1;
  check(tasks.copies === copies, `copies: ${String(copies)}, counted ${String(tasks.copies)}`);
  check(copies <= copiesMax, `limit: ${String(copies)} copies`);
}

// What must always hold of queues and tenants: each waiting task stands in one lane, shares are what attempts hold.
import type { Lane } from '../queue/lane.ts';
import { gpuOf, type Share } from '../queue/share.ts';
import { windowOf } from '../queue/window.ts';
import { nodeState } from './nodeTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Task } from './taskTable.ts';

/** Broken rules in words; empty where all hold. O(tasks + nodes). */
export function brokenQueues(state: SchedulerState): readonly string[] {
  const broken: string[] = [];
  const check = (isTrue: boolean, what: string): void => {
    if (!isTrue) broken.push(what);
  };
  checkLanes(state, check);
  checkBlocked(state, check);
  checkWindow(state, check);
  checkShares(state, check);
  checkPlant(state, check);
  return broken;
}

type Check = (isTrue: boolean, what: string) => void;

function checkBlocked({ classes, ready: { blocked } }: SchedulerState, check: Check): void {
  const known = classes.askClasses.filter((ask) => ask?.isBlocked === true);
  check(
    known.length === blocked.size && known.every((ask) => ask && blocked.has(ask)),
    `queues: ${String(blocked.size)} asks are listed as blocked, ${String(known.length)} are`,
  );
}

function checkLanes({ ready, tasks }: SchedulerState, check: Check): void {
  let waiting = 0;
  let open = 0;
  const inLanes = new Set<Task>();
  for (const queue of ready.queues.values()) {
    const lines = [...queue.lines.values()];
    for (const line of lines)
      check(
        line.waiting === sizeOf(line.lanes.values()),
        `queues: ${line.tenant.name} in ${queue.name} miscounts`,
      );
    check(
      queue.waiting === lines.reduce((sum, line) => sum + line.waiting, 0),
      `queues: ${queue.name} counts ${String(queue.waiting)}`,
    );
    waiting += queue.waiting;
    for (const lane of queue.lanes()) {
      if (!lane.askClass.isBlocked) open += lane.size;
      for (const task of lane.tasks()) inLanes.add(task);
      check(
        [...ready.lanesOf(lane.askClass)].includes(lane),
        `lanes: one of ${queue.name} would not be woken`,
      );
    }
  }
  const inLine = [...tasks.all()].filter((task) => task.state === 'ready');
  check(tasks.countOf('ready') === inLine.length, 'counts: ready tasks are counted wrongly');
  check(
    waiting === inLine.length,
    `queues: ${String(waiting)} in lanes, ${String(inLine.length)} tasks are ready`,
  );
  check(open === ready.open, `queues: ${String(open)} are open, counted ${String(ready.open)}`);
  check(
    inLine.every((task) => inLanes.has(task)),
    'queues: a ready task is in no lane',
  );
}
const sizeOf = (lanes: Iterable<Lane>): number => [...lanes].reduce((sum, { size }) => sum + size, 0);

function checkWindow({ ready }: SchedulerState, check: Check): void {
  let shown = 0;
  for (const [lane, inWindow] of windowOf(ready)) {
    shown += inWindow;
    check(inWindow <= lane.size, `window: a lane of ${lane.line.tenant.name} shows more than it has`);
    check(!lane.askClass.isBlocked, `window: a blocked lane of ${lane.line.tenant.name} is in it`);
  }
  check(
    shown <= ready.windowSize,
    `window: lanes show ${String(shown)}, at most ${String(ready.windowSize)}`,
  );
}

interface Held {
  live: number;
  active: number;
  cpu: number;
  memory: number;
  gpu: number;
}
const nothingHeld = (): Held => ({ live: 0, active: 0, cpu: 0, memory: 0, gpu: 0 });

/** Of every queue, tenant and line what its tasks hold; a task of nobody is a broken rule. */
function checkShares(state: SchedulerState, check: Check): void {
  const held = new Map<Share, Held>();
  for (const task of state.tasks.all()) {
    const queue = state.ready.queues.get(task.spec.queue);
    const line = queue?.lines.get(task.spec.tenant);
    const tenant = state.tenants.get(task.spec.tenant);
    if (!queue || !line || !tenant) check(false, `shares: nobody counts task ${String(task.taskId)}`);
    for (const one of [queue, line, tenant]) if (one) addTask(held, one.share, task);
  }
  const same = (share: Share, name: () => string): void => {
    const { live, active, allocated } = share;
    const found = held.get(share) ?? nothingHeld();
    const isSame =
      found.live === live &&
      found.active === active &&
      found.cpu === allocated.cpu &&
      found.memory === allocated.memory &&
      found.gpu === allocated.gpu;
    if (!isSame)
      check(false, `shares: ${name()} is counted ${JSON.stringify({ live, active, ...allocated })}`);
  };
  for (const queue of state.ready.queues.values()) {
    same(queue.share, () => `queue ${queue.name}`);
    for (const line of queue.lines.values()) {
      same(line.share, () => `tenant ${line.tenant.name} in queue ${queue.name}`);
      check(
        state.tenants.get(line.tenant.name) === line.tenant,
        `tenants: ${line.tenant.name} is known twice`,
      );
    }
  }
  for (const tenant of state.tenants.all()) same(tenant.share, () => `tenant ${tenant.name}`);
}

function addTask(held: Map<Share, Held>, share: Share, task: Task): void {
  let sums = held.get(share);
  if (!sums) held.set(share, (sums = nothingHeld()));
  const { ask } = task.spec;
  const attempts = (task.live ? 1 : 0) + (task.copy ? 1 : 0);
  sums.live += 1;
  sums.active += attempts;
  sums.cpu += attempts * ask.cpu;
  sums.memory += attempts * ask.memory;
  sums.gpu += attempts * gpuOf(ask);
}

function checkPlant({ nodes, plant }: SchedulerState, check: Check): void {
  let [cpu, devices] = [0, 0];
  for (const node of nodes.occupied()) {
    if (nodes.state[node] !== nodeState.online) continue;
    cpu += nodes.cpuTotal[node] ?? 0;
    devices += nodes.gpuDevices[node] ?? 0;
  }
  check(
    plant.cpu === cpu && plant.gpu === devices * 1_000,
    `plant: it is counted with ${String(plant.cpu)} millicores`,
  );
}

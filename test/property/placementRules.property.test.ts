// Placement rules against a plain model of them: a task is placed if and only if some node of the plant takes it by the
// words of the contract, and never on one that does not.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../scheduler/protocol/brands.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import { nodeSpec, startedCore, success, taskSpec } from '../unit/coreStage.ts';

const nodeArbitrary = fc.record({
  area: fc.constantFrom('A', 'B'),
  line: fc.constantFrom('L1', 'L2', 'L3'),
  cell: fc.constantFrom('C1', 'C2'),
  disk: fc.constantFrom('fast', 'slow'),
  cpu: fc.constantFrom(1_000, 2_000, 4_000),
  gpuDevices: fc.constantFrom(0, 0, 0, 2),
});
const scope = fc.constantFrom('node', 'cell', 'line', 'area');
const labels = fc.constantFrom({ app: 'db' }, { app: 'web' }, { app: 'web', tier: '1' });
const maybe = <Value>(of: fc.Arbitrary<Value>) => fc.option(of, { nil: undefined, freq: 1 });
const taskArbitrary = fc.record({
  labels: fc.constantFrom({}, { app: 'db' }, { app: 'web' }, { app: 'web', tier: '1' }),
  cpu: fc.constantFrom(100, 500, 1_500, 4_000),
  gpu: fc.constantFrom(undefined, undefined, undefined, { devices: 1, thousandths: 400 }),
  line: maybe(fc.constantFrom('L1', 'L2')),
  rule: fc.oneof(
    fc.record({
      avoid: fc.constantFrom({ disk: ['slow'] }, { line: ['L1'] }, { line: ['L2'], disk: ['fast'] }),
    }),
    fc.record({ apart: fc.record({ labels, within: scope }) }),
    fc.record({ together: fc.record({ labels, within: scope }) }),
    fc.record({ spread: fc.record({ labels, over: scope, skewMax: fc.integer({ min: 1, max: 2 }) }) }),
    fc.record({ isExclusive: fc.constant(true) }),
    fc.record({ prefer: fc.constant([{ labels: { disk: ['fast'] }, weight: 3 }]) }),
    fc.record({
      spread: fc.record({ labels, over: scope, skewMax: fc.constant(1) }),
      avoid: fc.constant({ disk: ['slow'] }),
    }),
    fc.constant({}),
  ),
});
type Rules = TaskSpec['placement'];

interface ModelNode {
  readonly id: NodeId;
  readonly spec: NodeSpec;
  readonly held: TaskSpec[];
}

const isIn = (within: string, a: ModelNode, b: ModelNode): boolean => {
  const [p, q] = [a.spec.place, b.spec.place];
  if (within === 'node') return a.id === b.id;
  if (within === 'area') return p.area === q.area;
  if (within === 'line') return p.area === q.area && p.line === q.line;
  return p.area === q.area && p.line === q.line && p.cell === q.cell;
};
const hasLabels = (task: TaskSpec, wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([label, value]) => task.labels[label] === value);
const namedBy = (node: ModelNode, label: string): string | undefined =>
  (({ ...node.spec.labels, ...node.spec.place, node: node.id }) as Record<string, string>)[label];

const isSelected = (task: TaskSpec, node: ModelNode): boolean =>
  Object.entries(task.selector).every(([label, values]) => values.includes(namedBy(node, label) ?? '')) &&
  !Object.entries(task.placement?.avoid ?? {}).some(([label, values]) =>
    values.includes(namedBy(node, label) ?? ''),
  );
const isLarge = (task: TaskSpec, node: ModelNode, held: readonly TaskSpec[]): boolean => {
  const cpu = held.reduce((sum, { ask }) => sum + ask.cpu, 0);
  if (cpu + task.ask.cpu > node.spec.resources.cpu) return false;
  if (!task.ask.gpu) return true;
  // Shares of 400: two to a device.
  return held.filter(({ ask }) => ask.gpu).length < 2 * node.spec.resources.gpuDevices;
};

function obeys(task: TaskSpec, node: ModelNode, all: readonly ModelNode[]): boolean {
  const { together, apart, spread, isExclusive }: NonNullable<Rules> = task.placement ?? {};
  const count: Count = (wanted, within, at) =>
    all
      .filter((other) => isIn(within, at, other))
      .flatMap(({ held }) => held)
      .filter((t) => hasLabels(t, wanted)).length;
  if (isExclusive && node.held.length > 0) return false;
  if (node.held.some(({ placement }) => placement?.isExclusive)) return false;
  if (apart && count(apart.labels, apart.within, node) > 0) return false;
  if (together) {
    const isFirst =
      hasLabels(task, together.labels) &&
      all.every(({ held }) => !held.some((t) => hasLabels(t, together.labels)));
    if (!isFirst && count(together.labels, together.within, node) === 0) return false;
  }
  return !spread || !isSkewed(task, spread, { node, all, count });
}

type Count = (wanted: Readonly<Record<string, string>>, within: string, at: ModelNode) => number;
function isSkewed(
  task: TaskSpec,
  { labels: wanted, over, skewMax }: NonNullable<NonNullable<Rules>['spread']>,
  {
    node,
    all,
    count,
  }: { readonly node: ModelNode; readonly all: readonly ModelNode[]; readonly count: Count },
): boolean {
  const able = all.filter((other) => isSelected(task, other) && isLarge(task, other, []));
  const least = Math.min(...able.map((other) => count(wanted, over, other)));
  return count(wanted, over, node) + (hasLabels(task, wanted) ? 1 : 0) - least > skewMax;
}

const takes = (task: TaskSpec, node: ModelNode, all: readonly ModelNode[]): boolean =>
  isSelected(task, node) && isLarge(task, node, node.held) && obeys(task, node, all);

const inputOf = (from: ReturnType<typeof taskArbitrary.generate>['value']) => ({
  labels: from.labels,
  ask: { cpu: from.cpu, ...(from.gpu && { gpu: from.gpu }) },
  ...(from.line !== undefined && { selector: { line: [from.line] } }),
  placement: from.rule,
});

describe('placement with rules', () => {
  test('places exactly what a look at every node would, task after task', () => {
    fc.assert(
      fc.property(
        fc.array(nodeArbitrary, { minLength: 5, maxLength: 60 }),
        fc.array(taskArbitrary, { minLength: 1, maxLength: 60 }),
        fc.infiniteStream(fc.nat(9)),
        (nodes, tasks, dice) => {
          const stage = startedCore();
          const all: ModelNode[] = nodes.map(({ area, line, cell, disk, cpu, gpuDevices }, at) => {
            const input = { place: { area, line, cell }, labels: { disk }, resources: { cpu, gpuDevices } };
            stage.join(`N${String(at)}`, input);
            return { id: `N${String(at)}` as NodeId, spec: nodeSpec(input), held: [] };
          });
          const { core } = stage;
          for (const from of tasks) {
            const input = inputOf(from);
            const [answer] = stage.submit(input);
            if (!answer?.ok) continue; // contradicts itself
            const task = taskSpec(input);
            const live = core.state.tasks.get(answer.taskId)?.live;
            const takers = all.filter((node) => takes(task, node, all)).map(({ id }) => id);
            if (live) expect(takers).toContain(live.nodeId);
            else expect(takers).toEqual([]);
            // Those that found nothing leave, so that each task meets the plant alone.
            if (!live) stage.give({ kind: 'CancelTask', taskId: answer.taskId, actor: 'ann', reason: '' });
            else all.find(({ id }) => id === live.nodeId)?.held.push(task);
            if (dice.next().value === 0) endOldest(stage, all);
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  test('what waits is placed as soon as some node takes it, wherever the change was', () => {
    fc.assert(
      fc.property(
        fc.array(nodeArbitrary, { minLength: 5, maxLength: 12 }),
        fc.array(taskArbitrary, { minLength: 10, maxLength: 60 }),
        (nodes, tasks) => {
          const stage = startedCore();
          const all: ModelNode[] = nodes.map(({ area, line, cell, disk, cpu, gpuDevices }, at) => {
            const input = { place: { area, line, cell }, labels: { disk }, resources: { cpu, gpuDevices } };
            stage.join(`N${String(at)}`, input);
            return { id: `N${String(at)}` as NodeId, spec: nodeSpec(input), held: [] };
          });
          for (const from of tasks) stage.submit(inputOf(from));
          for (let ends = 0; ends < 20; ends += 1) {
            seeHeld(stage, all);
            for (const task of stage.core.state.tasks.all())
              if (!task.live) expect(all.filter((node) => takes(task.spec, node, all))).toEqual([]);
            endOldest(stage, all);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

type Stage = ReturnType<typeof startedCore>;
/** Reads off what runs where. */
function seeHeld({ core }: Stage, all: readonly ModelNode[]): void {
  for (const node of all) node.held.length = 0;
  for (const { live, spec } of core.state.tasks.all())
    if (live) all.find(({ id }) => id === live.nodeId)?.held.push(spec);
}
function endOldest(stage: Stage, all: readonly ModelNode[]): void {
  for (const { live, taskId } of stage.core.state.tasks.all()) {
    if (!live) continue;
    stage.ended(live.nodeId, taskId, live.token, success);
    seeHeld(stage, all);
    return;
  }
}

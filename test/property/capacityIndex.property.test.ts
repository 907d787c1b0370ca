// Placement against a naive scan of all nodes: it finds a node exactly where one fits, and only one that fits.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fitting } from '../../scheduler/core/place/offer.ts';
import { filters } from '../../scheduler/core/place/filters.ts';
import { policies } from '../../scheduler/core/place/policy.ts';
import { classRefusal } from '../../scheduler/core/state/classTable.ts';
import { bucketOf } from '../../scheduler/core/state/capacityIndex.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type NodeIndex } from '../../scheduler/protocol/brands.ts';
import { memoryMiBMax } from '../../scheduler/protocol/limits.ts';
import { nodeSpec, startedCore, taskSpec } from '../unit/coreStage.ts';

const nodes = fc.array(
  fc.record({
    cpu: fc.constantFrom(0, 1, 100, 999, 1_000, 1_001, 4_000, 64_000),
    memory: fc.constantFrom(0, 64, 100, 1_000, 4_095, 4_096, 1_000_000),
    gpuDevices: fc.constantFrom(0, 0, 0, 1, 4),
    slots: fc.constantFrom(1, 2, 64),
    camera: fc.constantFrom(0, 0, 1, 2),
    line: fc.constantFrom('L1', 'L2'),
    arch: fc.constantFrom('x64', 'arm64'),
    taint: fc.constantFrom('', '', 'lab'),
    isCordoned: fc.boolean(),
    isGone: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);
const tasks = fc.array(
  fc.record({
    cpu: fc.constantFrom(0, 1, 100, 500, 999, 1_000, 3_999, 32_001),
    memory: fc.constantFrom(0, 64, 99, 1_000, 4_096),
    gpu: fc.constantFrom(undefined, { devices: 1, thousandths: 300 }, { devices: 2, thousandths: 1_000 }),
    slots: fc.constantFrom(1, 1, 2),
    camera: fc.constantFrom(0, 0, 1, 2),
    selector: fc.constantFrom({}, {}, { line: ['L1'] }, { arch: ['arm64', 'riscv'] }, { node: ['N3', 'N7'] }),
    tolerations: fc.constantFrom([], ['lab']),
  }),
  { minLength: 1, maxLength: 60 },
);

describe('placement', () => {
  test.each([policies.pack, policies.spread])(
    '$name finds a node where one fits, and only one that fits',
    (policy) => {
      fc.assert(
        fc.property(nodes, tasks, (planned, wanted) => {
          const { core, give } = startedCore(policy);
          for (const [at, node] of planned.entries()) joinOne(give, at, node);
          for (const { camera, selector, tolerations, ...ask } of wanted) {
            const spec = taskSpec({
              ask: { ...ask, gpu: ask.gpu, custom: camera > 0 ? { camera } : {} },
              selector,
              tolerations,
            });
            const taking = new Set(nodesThatFit(core, spec));
            const placed = give({ kind: 'SubmitTasks', specs: [spec], actor: 'test' }).events.find(
              (event) => event.kind === 'attempt_placed',
            );
            const chosen = placed && core.state.nodes.indexOf(placed.nodeId);
            expect(chosen !== undefined).toBe(taking.size > 0);
            if (chosen !== undefined) expect(taking).toContain(chosen);
          }
          expect(brokenInvariants(core.state)).toEqual([]);
        }),
        { numRuns: 120 },
      );
    },
  );

  test('of many asks and nodes those are found that fit, as asking each pair finds them', () => {
    fc.assert(
      fc.property(nodes, tasks, fc.func(fc.boolean()), (planned, wanted, isFreed) => {
        const { core, give } = startedCore(policies.pack);
        for (const [at, node] of planned.entries()) joinOne(give, at, node);
        const { classes, nodes: fleet, placer } = core.state;
        const asks = wanted.map(({ camera, selector, tolerations, ...ask }) => {
          const custom = camera > 0 ? { camera } : {};
          return classes.useAskClass(
            taskSpec({ ask: { ...ask, gpu: ask.gpu, custom }, selector, tolerations }),
          );
        });
        const different = [...new Set(asks)].filter((ask) => ask !== undefined);
        const freed = new Set([...fleet.occupied()].filter((node) => isFreed(node)));
        const expected = different.filter((ask) => [...freed].some((node) => placer.fits(node, ask)));
        expect(fitting(different, freed, core.state)).toEqual(expected);
      }),
      { numRuns: 120 },
    );
  });

  test('a larger amount is never in a lower bucket', () => {
    fc.assert(
      fc.property(fc.nat(memoryMiBMax), fc.nat(memoryMiBMax), (a, b) => {
        expect(bucketOf(Math.min(a, b))).toBeLessThanOrEqual(bucketOf(Math.max(a, b)));
      }),
    );
  });
});

type PlannedNode = ReturnType<typeof nodes.generate>['value'][number];

function joinOne(give: ReturnType<typeof startedCore>['give'], at: number, node: PlannedNode): void {
  const { cpu, memory, gpuDevices, slots, camera, line, arch, taint, isCordoned, isGone } = node;
  const id = nodeId(`N${String(at)}`);
  const spec = nodeSpec({
    place: { line },
    resources: { cpu, memory, gpuDevices, slots, custom: camera > 0 ? { camera } : {} },
    labels: { arch },
    taints: taint === '' ? [] : [taint],
  });
  give({ kind: 'JoinNode', nodeId: id, spec, held: [] });
  if (isCordoned && at % 3 === 0) give({ kind: 'SetCordon', nodeId: id, isCordoned, actor: 'test' });
  if (isGone && at % 3 === 1) give({ kind: 'DisconnectNode', nodeId: id });
}

/** The model: every node looked at, every rule asked. */
function nodesThatFit(core: Core, spec: ReturnType<typeof taskSpec>): NodeIndex[] {
  const { classes, nodes: fleet } = core.state;
  const ask = classes.useAskClass(spec);
  if (!ask) throw new Error('no room for the ask');
  const fitting = [...fleet.occupied()].filter((node) => {
    const nodeClass = classes.nodeClasses[fleet.nodeClass[node] ?? -1];
    if (!nodeClass || classRefusal(nodeClass, ask) !== undefined) return false;
    return filters.every((filter) => !filter.refuses(node, ask, fleet));
  });
  classes.releaseAskClass(ask);
  return fitting;
}

// Nodes with GPUs, as their specification: what counts as usable, which node and which device is chosen, and that the
// search finds what there is however many shapes stand before it.
import { describe, expect, test } from 'vitest';
import type { Core } from '../../scheduler/core/cycle.ts';
import { GpuOutlook } from '../../scheduler/core/place/gpuOutlook.ts';
import { type GpuFit, GpuJudge } from '../../scheduler/core/place/gpuScore.ts';
import { AskMix } from '../../scheduler/core/state/askMix.ts';
import type { GpuShape } from '../../scheduler/core/state/gpuShapes.ts';
import { nodeId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { shapesPerPlacementMax } from '../../scheduler/protocol/limits.ts';
import { liveOf, nodeSpec, startedCore, taskSpec } from './coreStage.ts';

const nodeOf = (core: Core, id: TaskId): string | undefined => core.state.tasks.get(id)?.live?.nodeId;
const askOf = (ask: object) => taskSpec({ ask }).ask;
const half = { cpu: 1_000, gpu: { devices: 1, thousandths: 500 } };

/**
 * Half of the mix, by devices, asks for 1,000 millicores and half a device; the other half is what a plant without a past
 * is taken to ask for: an eighth each for one, two, four and eight whole devices.
 */
function halfAndHalf(): AskMix {
  const mix = new AskMix();
  for (let at = 0; at < 32; at += 1) mix.count(askOf(half));
  return mix;
}

function shape(cpu: number, ...devices: number[]): GpuShape {
  const sorted = Int16Array.from(devices).sort();
  return {
    key: '',
    birth: 1,
    nodeClass: 0,
    cpu,
    memory: 10_000,
    devices: sorted,
    largest: sorted.at(-1) ?? 0,
    gpu: devices.reduce((sum, free) => sum + free, 0),
    whole: devices.filter((free) => free === 1_000).length,
    nodes: [],
    isGone: false,
    judgedFor: undefined,
    usable: 0,
    length: 0,
  };
}

describe('what is usable, worked out by hand', () => {
  const outlook = new GpuOutlook(halfAndHalf());
  const usable = ({ cpu, devices, whole }: GpuShape): number => {
    const row = outlook.rowOf(cpu);
    return outlook.usableParts(row, devices) + outlook.usableWhole(row, whole);
  };

  test.each([
    ['half a device is of use to the half that asks for one', shape(2_000, 500), 250],
    ['a whole one also to the eighth that asks for one', shape(2_000, 1_000), 625],
    ['two whole ones also to the eighth that asks for two', shape(2_000, 1_000, 1_000), 2 * 625 + 250],
    ['a rest that nobody asks for is of no use', shape(2_000, 499), 0],
    ['without the CPU it is of use only to those who need none', shape(999, 500, 1_000), 125],
    ['nothing free is nothing usable', shape(2_000, 0, 0), 0],
  ])('%s', (_what, given, expected) => {
    expect(usable(given)).toBeCloseTo(expected, 9);
  });

  test('what an ask wastes is what becomes unusable beyond what it takes', () => {
    const fits: GpuFit[] = [];
    const totals = { cpu: 100_000, memory: 100_000, devices: 10 };
    const judge = new GpuJudge(askOf(half), outlook, totals, (fit) => fits.push({ ...fit }));
    judge.score(shape(2_000, 500, 1_000)); // 875 usable before, 625 after on the half device: 250 less for 500 taken
    judge.score(shape(2_000, 1_000, 1_000)); // 1,500 before, 875 after: 625 less for 500 taken
    judge.score(shape(1_500, 500)); // the last CPU goes with the last GPU: nothing left to waste
    judge.score(shape(1_500, 1_000)); // 625 before; 500 left with no CPU is of no use
    expect(fits.map(({ wasted }) => wasted)).toEqual([-0.25, 0.125, -0.25, 0.125]);
    expect(judge.bestDevice(shape(2_000, 500, 1_000))).toBe(500);
  });

  test('the mix is followed: drift is nothing at first, and grows with other asks', () => {
    const mix = halfAndHalf();
    const made = new GpuOutlook(mix);
    expect(made.driftTo(mix)).toBeCloseTo(0, 9);
    for (let at = 0; at < 47; at += 1) mix.count(askOf({ gpu: { devices: 4 } })); // as many as there were
    expect(made.driftTo(mix)).toBeCloseTo(0.5, 9);
  });
});

describe('nodes with GPUs', () => {
  test('an ask without a GPU goes there only where no other node takes it', () => {
    const { core, join, submitOne } = startedCore();
    join('gpu', { resources: { gpuDevices: 2 } });
    join('plain', { resources: { cpu: 1_000 } });
    const ids = [1, 2, 3].map(() => submitOne({ ask: { cpu: 500 } }));
    expect(ids.map((id) => nodeOf(core, id))).toEqual(['plain', 'plain', 'gpu']);
  });

  test('so it is where a line is named', () => {
    const { core, join, submitOne } = startedCore();
    join('gpu', { place: { line: 'L1' }, resources: { gpuDevices: 2 } });
    join('plain', { place: { line: 'L1' }, resources: { cpu: 1_000 } });
    const ids = [1, 2].map(() => submitOne({ ask: { cpu: 1_000 }, selector: { line: ['L1'] } }));
    expect(ids.map((id) => nodeOf(core, id))).toEqual(['plain', 'gpu']);
  });

  test('a part of a device goes where one is already shared, on whichever node', () => {
    const { core, join, submitOne } = startedCore();
    for (const name of ['N1', 'N2', 'N3']) join(name, { resources: { gpuDevices: 2, cpu: 16_000 } });
    const first = submitOne({ ask: { cpu: 1_000, gpu: { devices: 1, thousandths: 600 } } });
    const second = submitOne({ ask: { cpu: 1_000, gpu: { devices: 1, thousandths: 400 } } });
    expect(nodeOf(core, second)).toBe(nodeOf(core, first));
    expect(liveOf(core, second).gpuMask).toBe(liveOf(core, first).gpuMask);
  });

  test('history tells what to expect: CPU-hungry asks go where CPU is plenty beside the GPUs', () => {
    const { core, join, submitOne } = startedCore();
    const light = { cpu: 2_000, gpu: { devices: 1 } };
    const heavy = { cpu: 16_000, gpu: { devices: 1 } };
    core.recall(Array.from({ length: 200 }, (_, at) => askOf(at % 2 === 0 ? light : heavy)));
    join('lean', { resources: { cpu: 20_000, gpuDevices: 4 } });
    join('rich', { resources: { cpu: 64_000, gpuDevices: 4 } });
    expect(nodeOf(core, submitOne({ ask: heavy }))).toBe('rich');
    expect(nodeOf(core, submitOne({ ask: light }))).toBe('lean');
  });

  test('a node that comes back with other devices is found by what it has now', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', { resources: { gpuDevices: 1 } });
    join('N1', { resources: { gpuDevices: 0 } });
    const id = submitOne({ ask: { gpu: { devices: 2 } } });
    expect(nodeOf(core, id)).toBeUndefined();
    join('N1', { resources: { gpuDevices: 2 } });
    expect(nodeOf(core, id)).toBe('N1');
  });

  test('the one that fits is found behind more shapes than one placement looks at', () => {
    const { core, give, submitOne } = startedCore();
    const joins = (from: number, count: number, gpuDevices: number) =>
      Array.from({ length: count }, (_, at) => ({
        kind: 'JoinNode' as const,
        nodeId: nodeId(`N${String(from + at)}`),
        spec: nodeSpec({ resources: { cpu: 10_000 + from + at, gpuDevices } }),
        held: [],
      }));
    give(...joins(0, 1, 8), ...joins(1, 2 * shapesPerPlacementMax, 1));
    expect(core.state.index.gpu.size).toBe(2 * shapesPerPlacementMax + 1);
    expect(nodeOf(core, submitOne({ ask: { gpu: { devices: 2 } } }))).toBe('N0');
    // Every shape made anew since, the one that fits first of all: again further back than one placement looks.
    give(...joins(10_000, 1, 4), ...joins(20_000, 2 * shapesPerPlacementMax, 1));
    const ids = [1, 2, 3, 4, 5, 6].map(() => submitOne({ ask: { gpu: { devices: 2 } } }));
    expect(ids.map((id) => nodeOf(core, id)).sort()).toEqual([
      'N0',
      'N0',
      'N0',
      'N10000',
      'N10000',
      undefined,
    ]);
  });
});

// The fleet in a window: structure by epoch, frames, who watches what, counts of groups, the heat map's sums.
import { shallowRef } from 'vue';
import { describe, expect, test } from 'vitest';
import type { Bridge, LinkState } from '../../renderer/bridge.ts';
import { createFleetPlane, type FleetPort } from '../../renderer/fleet/fleetFrame.ts';
import { byteFrom, plantStats } from '../../renderer/fleet/groupStats.ts';
import { childrenOf, nodePath, parentOf, pathOf, shapeOf } from '../../renderer/fleet/plantShape.ts';
import { alongRamp, bandBytes, makeLut, type HeatPalette } from '../../renderer/heat/heatColors.ts';
import { layOut } from '../../renderer/heat/heatLayout.ts';
import { commonPrefix, exceptionsOf, spreadOf } from '../../renderer/heat/heatNumbers.ts';
import { clampView, fitView, nodeAtPoint, showTexel, zoomView } from '../../renderer/heat/heatView.ts';
import { boxAt, heightMin, icicleOf } from '../../renderer/topology/icicle.ts';
import { nextException, treeRows } from '../../renderer/topology/treeRows.ts';
import type { Push } from '../../scheduler/protocol/consoleFrames.ts';
import { fleetFlag, metrics, type Topology } from '../../scheduler/protocol/fleetFrames.ts';
import { fakeFrame, fakeTopology } from '../ui/fakeFleet.ts';

const large = shapeOf(fakeTopology(50_000));
const small = shapeOf(fakeTopology(1_000));

function stage() {
  const asked: { method: string; params: unknown }[] = [];
  const listeners: ((push: Push) => void)[] = [];
  const state = { topology: fakeTopology(1_000, 1) };
  const link = shallowRef<LinkState>({ state: 'connecting' });
  const call = (method: string, params: unknown) => {
    asked.push({ method, params });
    return Promise.resolve(method === 'getTopology' ? state.topology : { metrics: [] });
  };
  const port: FleetPort = {
    call: call as Bridge['call'],
    onPush: (listener) => {
      listeners.push(listener);
      return () => false;
    },
    link,
  };
  const settle = () => new Promise((resolve) => setTimeout(resolve, 0));
  const goLive = async () => {
    link.value = { state: 'live' } as LinkState;
    await settle();
  };
  const push = (topology: Topology, sequence = 1) => {
    for (const listener of listeners) listener(fakeFrame(topology, 'cpuUsed', sequence));
  };
  return { asked, state, port, settle, goLive, push, link };
}
const watched = (asked: readonly { method: string; params: unknown }[]) =>
  asked.filter(({ method }) => method === 'watchFleet').map(({ params }) => params);

describe('fleet plane', () => {
  test('takes frames of its structure and counts a version per metric', async () => {
    const { state, port, goLive, push } = stage();
    const plane = createFleetPlane(port);
    await goLive();
    push(state.topology);
    const before = plane.version('cpuUsed').value;
    push(state.topology, 2);
    expect(plane.version('cpuUsed').value).toBe(before + 1);
    expect(plane.data('cpuUsed').values).toHaveLength(1_000);
    // Roll-ups come once a second and stay in between.
    expect(plane.data('cpuUsed').lines).toHaveLength(50);
  });
  test('a frame of another epoch is left out and the structure read again', async () => {
    const { asked, state, port, goLive, push, settle } = stage();
    const plane = createFleetPlane(port);
    await goLive();
    state.topology = fakeTopology(50_000, 2);
    await new Promise((resolve) => setTimeout(resolve, 520));
    push(state.topology);
    expect(plane.data('cpuUsed').values).toHaveLength(0);
    await settle();
    push(state.topology, 2);
    expect(plane.shape.value?.count).toBe(50_000);
    expect(plane.data('cpuUsed').values).toHaveLength(50_000);
    expect(asked.filter(({ method }) => method === 'getTopology')).toHaveLength(2);
  });
  test('metrics are asked for once, by reference count, at most three, and again on a new link', async () => {
    const { asked, port, goLive, settle, link } = stage();
    const plane = createFleetPlane(port);
    await goLive();
    const stops = [plane.watch('cpuUsed'), plane.watch('tasks'), plane.watch('cpuUsed')];
    await settle();
    stops[0]?.();
    await settle();
    plane.watch('memoryUsed');
    plane.watch('sampleAge');
    await settle();
    link.value = { state: 'down', reason: 'closed', detail: '' };
    await goLive();
    expect(watched(asked)).toEqual([
      { metrics: ['tasks', 'cpuUsed'] },
      { metrics: ['cpuUsed', 'memoryUsed', 'sampleAge'] },
      { metrics: ['cpuUsed', 'memoryUsed', 'sampleAge'] },
    ]);
  });
  test('bytes may come as a bare buffer, as in a browser', async () => {
    const { state, port, goLive } = stage();
    const raw = { ...state.topology, simulated: new Uint8Array(1_000).fill(1).buffer };
    state.topology = raw as unknown as Topology;
    const plane = createFleetPlane(port);
    await goLive();
    expect(plane.shape.value?.isSimulated[999]).toBe(1);
  });
});

describe('structure', () => {
  test('paths, parents and children follow the ranges', () => {
    const [line] = childrenOf(large, large.areas[1] ?? large.plant);
    expect(line && pathOf(large, line)).toBe('BOD / L01');
    expect(line && parentOf(large, line)?.name).toBe('BOD');
    expect(line && childrenOf(large, line)).toHaveLength(25);
    expect(nodePath(large, 0)).toBe('STA / L01 / C01 / STA-L01-C01-N00');
  });
  test('TP-4 counts of groups are the sum of their nodes', () => {
    const frame = fakeFrame(fakeTopology(50_000), 'cpuUsed', 1);
    const stats = plantStats(large, frame.values, frame.flags, metrics.cpuUsed);
    const sum = (field: 'offline' | 'crit' | 'total', groups: typeof large.lines) =>
      groups.reduce((all, group) => all + stats.of(group)[field], 0);
    for (const field of ['offline', 'crit', 'total'] as const)
      for (const groups of [large.cells, large.lines, large.areas])
        expect(sum(field, groups)).toBe(stats.of(large.plant)[field]);
    const offline = frame.flags.filter((flag) => (flag & fleetFlag.online) === 0).length;
    expect(stats.of(large.plant).offline).toBe(offline);
  });
  test('the most urgent alarm inside marks a group', () => {
    const flags = new Uint8Array(large.count).fill(fleetFlag.online);
    flags[10_000] = fleetFlag.online | (3 << fleetFlag.alarmShift);
    flags[10_001] = fleetFlag.online | (1 << fleetFlag.alarmShift);
    const stats = plantStats(large, new Uint8Array(large.count), flags, metrics.cpuUsed);
    expect(large.areas.map((area) => stats.of(area).alarm)).toEqual([0, 1, 0, 0, 0]);
    expect(nextException(large.lines, -1, stats)?.at).toBe(10);
    const rows = treeRows(large, [large.plant], stats, true);
    expect(rows.map((row) => row.group.name)).toEqual(['plant', 'BOD']);
  });
});

describe('heat map', () => {
  test.each([
    [1_320, 620],
    [640, 290],
    [1_086, 380],
  ])('each of 50,000 nodes has a texel of its own in %i x %i', (width, height) => {
    const layout = layOut(large, { width, height });
    expect(layout.columns * layout.texel).toBeLessThanOrEqual(width);
    expect(layout.rows * layout.texel).toBeLessThanOrEqual(height);
    expect(new Set(layout.texelOf).size).toBe(large.count);
    for (const node of [0, 17_043, 49_999]) expect(layout.nodeAt[layout.texelOf[node] ?? 0]).toBe(node);
  });
  test('where there are more nodes than pixels they share texels', () => {
    const layout = layOut(large, { width: 200, height: 120 });
    expect(layout.pool).toBeGreaterThan(1);
    expect(layout.columns).toBeLessThanOrEqual(200);
  });
  test('a plant of one cell fills the ground', () => {
    const nodes = Array.from({ length: 900 }, (_, at) => `n${String(at)}`);
    const one = [{ name: 'unplaced', first: 0, count: 900 }];
    const topology = { ...fakeTopology(0), nodes, areas: one, lines: one, cells: one } as unknown as Topology;
    const layout = layOut(shapeOf({ ...topology, simulated: new Uint8Array(900) }), {
      width: 600,
      height: 400,
    });
    expect(layout.texel).toBeGreaterThanOrEqual(14);
  });
  test('zoom keeps the texel under the pointer, whole pixels, and 16 times at most', () => {
    const layout = layOut(small, { width: 900, height: 500 });
    const at = { x: 300, y: 200 };
    const before = nodeAtPoint(fitView(layout), layout, at.x, at.y);
    let view = fitView(layout);
    for (let step = 0; step < 30; step += 1) view = zoomView(view, layout, 1, at);
    expect(view.scale).toBe(layout.texel * 16);
    expect(nodeAtPoint(view, layout, at.x, at.y)).toBe(before);
    expect(clampView({ ...view, x: 5_000 }, layout, { width: 900, height: 500 }).x).toBe(0);
    const shown = showTexel(view, layout, { width: 900, height: 500 }, layout.texelOf[999] ?? 0);
    const texel = layout.texelOf[999] ?? 0;
    const x = shown.x + (texel % layout.columns) * shown.scale;
    expect(x + shown.scale).toBeLessThanOrEqual(900);
  });
  test('colours: quiet to the limit, warn, critical; a band alone keeps its own', () => {
    const palette: HeatPalette = {
      quiet: [
        [0, 0, 0],
        [100, 100, 100],
      ],
      warn: [
        [200, 100, 0],
        [255, 150, 0],
      ],
      crit: [255, 0, 0],
      ramp: [
        [0, 0, 0],
        [255, 255, 255],
      ],
      ground: [1, 1, 1],
      dim: [2, 2, 2],
    };
    const histogram = new Uint32Array(256);
    const bands = bandBytes(metrics.cpuUsed, histogram);
    const lut = makeLut({ scale: 'limits', palette, bands, histogram, only: undefined });
    expect(bands.crit).toBe(byteFrom(metrics.cpuUsed, 95));
    expect((lut[254] ?? 0) & 0xffffff).toBe(0x0000ff);
    expect((lut[255] ?? 0) & 0xffffff).toBe(0x010101);
    const alone = makeLut({ scale: 'limits', palette, bands, histogram, only: 'crit' });
    expect((alone[10] ?? 0) & 0xffffff).toBe(0x020202);
    expect(alone[254]).toBe(lut[254]);
    histogram[3] = 7;
    expect(bandBytes(metrics.tasks, histogram).top).toBe(4);
    expect(alongRamp(palette.ramp, 0.5)).toEqual([128, 128, 128]);
  });
  test('a selection in numbers, and what its names begin with', () => {
    const values = new Uint8Array(1_000).fill(255);
    for (let at = 0; at < 100; at += 1) values[at] = at;
    const chosen = new Set(Array.from({ length: 200 }, (_, at) => at));
    expect(spreadOf(chosen, values)).toEqual({
      nodes: 200,
      withData: 100,
      min: 0,
      p50: 49,
      p95: 94,
      max: 99,
    });
    expect(commonPrefix(new Set([0, 3]), small)).toBe('STA-L01-C01-N0');
  });
  test('exceptions: critical, offline, stale, high, each from the worst', () => {
    const values = Uint8Array.from([10, 254, 220, 253, 255]);
    const on = fleetFlag.online;
    const flags = Uint8Array.from([on | fleetFlag.stale, on, on, on, 0]);
    const shape = { ...small, count: 5 };
    const { rows, total } = exceptionsOf({ values, flags, shape }, { warn: 216, crit: 242 }, 4);
    expect(rows.map(({ node, kind }) => `${String(node)} ${kind}`)).toEqual([
      '1 crit',
      '3 crit',
      '4 offline',
      '0 stale',
    ]);
    expect(total).toBe(5);
  });
});

describe('icicle', () => {
  test('columns cover all nodes once, and nothing is lower than can be seen', () => {
    const boxes = icicleOf(large, large.plant, { width: 900, height: 800 });
    for (const x of new Set(boxes.map((box) => box.x))) {
      const column = boxes.filter((box) => box.x === x);
      expect(column.reduce((sum, box) => sum + box.count, 0)).toBe(50_000);
      expect(Math.min(...column.slice(0, -1).map((box) => box.height))).toBeGreaterThanOrEqual(heightMin - 1);
    }
    expect(boxAt(boxes, 10, 400)?.group?.level).toBe('plant');
  });
  test('in a cell each node has a box', () => {
    const [cell] = large.cells;
    const boxes = icicleOf(large, cell ?? large.plant, { width: 600, height: 600 });
    expect(boxes.filter((box) => box.level === 'node')).toHaveLength(40);
  });
});

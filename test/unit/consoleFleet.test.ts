// The fleet as columns: order of the plant, bytes of the frames, roll-ups, and who gets which frame when.
import { describe, expect, test } from 'vitest';
import { encodeValues } from '../../scheduler/console/fleetEncoder.ts';
import { PlantIndex } from '../../scheduler/console/plantIndex.ts';
import { NodeTable, nodeState } from '../../scheduler/core/state/nodeTable.ts';
import { epoch as brandEpoch, ms, nodeId } from '../../scheduler/protocol/brands.ts';
import type { AlarmRow, Push } from '../../scheduler/protocol/consoleFrames.ts';
import { type FleetFrame, fleetFlag, type Topology } from '../../scheduler/protocol/fleetFrames.ts';
import type { SchedulerView } from '../../scheduler/protocol/view.ts';
import { openConsole, openLink, type Link } from './consoleStage.ts';
import { seat, use } from './fleetStage.ts';

const epoch = 7;
const nowMs = 1_000_000;
const lostAlarm = (source: string, priority: 2 | 3): AlarmRow => ({
  alarmId: 1,
  priority,
  code: 'NODE_LOST',
  source,
  params: {},
  raisedAtMs: ms(0),
  isActive: true,
  isAcknowledged: false,
});

function openFleet(alarms: readonly AlarmRow[] = []) {
  const table = new NodeTable();
  const stage = openConsole({
    alarms: { rows: () => alarms, acknowledge: () => ({ ok: true, value: undefined }) },
    view: {
      epoch: () => epoch,
      fleetColumns: () => table,
      nodeCounts: () => ({ total: 0, online: 0, disconnected: 0, lost: 0, cordoned: 0 }),
      taskCounts: () => ({}),
      fleetUse: () => ({}),
      queues: () => [],
    } as unknown as SchedulerView,
  });
  const joined = (): void => {
    const events = [{ kind: 'node_forgotten', nodeId: nodeId('x'), actor: 'a' }] as const;
    stage.console.onBatch({ sequence: 1, atMs: ms(0), events });
  };
  return { table, stage, joined, topology: async () => (await stage.result('getTopology')) as Topology };
}
const framesOf = (link: Link): FleetFrame[] =>
  link.sent.filter(
    (message): message is Extract<Push, FleetFrame> => 'push' in message && message.push === 'fleet',
  );

describe('topology', () => {
  test('nodes are sorted by area, line, cell and name, and each group is a contiguous range', async () => {
    const { table, topology } = openFleet();
    seat(table, { id: 'n4', area: 'B', line: 'L1' });
    seat(table, { id: 'n3', area: 'A', line: 'L2', cell: 'C2' });
    seat(table, { id: 'n2', area: 'A', line: 'L2', cell: 'C1' });
    seat(table, { id: 'n1', area: 'A', line: 'L2', cell: 'C2', kinds: ['command'] });
    expect(await topology()).toEqual({
      topologyEpoch: 70_000_001,
      plant: 'plant',
      nodes: ['n2', 'n1', 'n3', 'n4'],
      areas: [
        { name: 'A', first: 0, count: 3 },
        { name: 'B', first: 3, count: 1 },
      ],
      lines: [
        { name: 'L2', first: 0, count: 3 },
        { name: 'L1', first: 3, count: 1 },
      ],
      cells: [
        { name: 'C1', first: 0, count: 1 },
        { name: 'C2', first: 1, count: 2 },
        { name: 'C1', first: 3, count: 1 },
      ],
      simulated: Uint8Array.of(1, 0, 1, 1),
    });
  });

  test('a join gives another epoch, once a second at most; a node that only comes back gives none', async () => {
    const { table, stage, joined, topology } = openFleet();
    const row = seat(table, { id: 'n1' });
    const first = await topology();
    seat(table, { id: 'n2' });
    joined();
    stage.clock.nowMs += 999;
    expect((await topology()).topologyEpoch).toBe(first.topologyEpoch);
    stage.clock.nowMs += 1;
    const second = await topology();
    expect(second).toMatchObject({ topologyEpoch: first.topologyEpoch + 1, nodes: ['n1', 'n2'] });
    table.describe(row, structuredClone(table.specOf(row)));
    joined();
    stage.clock.nowMs += 1_000;
    expect((await topology()).topologyEpoch).toBe(second.topologyEpoch);
  });
});

describe('frames', () => {
  test('hold a byte per node and metric; no heartbeat, or a node that is gone, is no data', async () => {
    const { table, stage } = openFleet();
    use(table, seat(table, { id: 'n1' }), {
      cpuUsed: 2_000,
      cpuTaken: 4_000,
      tasks: 3,
      seenMs: nowMs - 5_000,
    });
    const dead = seat(table, { id: 'n2' });
    use(table, dead, { cpuUsed: 1_000, cpuTaken: 1_000, seenMs: nowMs - 40_000 });
    table.state[dead] = nodeState.lost;
    seat(table, { id: 'n3' });
    await stage.result('watchFleet', { metrics: ['cpuUsed', 'cpuAllocated', 'tasks'] });
    const [cpuUsed, cpuAllocated, tasks] = framesOf(stage.link);
    expect(cpuUsed?.values).toEqual(Uint8Array.of(127, 255, 255));
    expect(cpuAllocated?.values).toEqual(Uint8Array.of(254, 64, 0));
    expect(tasks?.values).toEqual(Uint8Array.of(3, 0, 0));
    await stage.result('watchFleet', { metrics: ['sampleAge'] });
    expect(framesOf(stage.link).at(-1)?.values).toEqual(Uint8Array.of(21, 169, 255));
  });

  test('tell the age of the newest sample of any node, and of the oldest among those online', async () => {
    const { table, stage } = openFleet();
    use(table, seat(table, { id: 'n1' }), { seenMs: nowMs - 3_000 });
    use(table, seat(table, { id: 'n2' }), { seenMs: nowMs - 16_000 });
    const dead = seat(table, { id: 'n3' });
    use(table, dead, { seenMs: nowMs - 100_000 });
    table.state[dead] = nodeState.lost;
    table.cordoned[dead] = 1;
    await stage.result('watchFleet', { metrics: ['tasks'] });
    expect(framesOf(stage.link)[0]).toMatchObject({
      newestSampleAgeMs: 3_000,
      oldestSampleAgeMs: 16_000,
      flags: Uint8Array.of(fleetFlag.online, fleetFlag.online | fleetFlag.stale, fleetFlag.cordoned),
    });
  });

  test.each([
    ['n2', 3, [0, 3, 0]],
    ['fleet', 2, [0, 2, 2]],
  ] as const)('carry the priority of the alarm on %s', async (source, priority, expected) => {
    const { table, stage } = openFleet([lostAlarm(source, priority)]);
    seat(table, { id: 'n1' });
    for (const id of ['n2', 'n3']) table.state[seat(table, { id })] = nodeState.lost;
    await stage.result('watchFleet', { metrics: ['tasks'] });
    const { flags = new Uint8Array() } = framesOf(stage.link)[0] ?? {};
    expect([...flags].map((flag) => (flag & fleetFlag.alarmMask) >> fleetFlag.alarmShift)).toEqual(expected);
  });

  test('a row that another node took meanwhile shows nothing under the old name', () => {
    const table = new NodeTable();
    const row = seat(table, { id: 'n1' });
    const plant = new PlantIndex({ epoch: () => brandEpoch(1), fleetColumns: () => table }, () => nowMs);
    const order = plant.current();
    table.remove(row);
    use(table, seat(table, { id: 'n2' }), { cpuUsed: 4_000 });
    expect(encodeValues(table, order, 'cpuUsed', nowMs)).toEqual(Uint8Array.of(255));
  });

  test('roll-ups of lines and areas come with the first frame and once a second', async () => {
    const { table, stage } = openFleet();
    for (const [id, cpuUsed] of [
      ['n1', 400],
      ['n2', 2_000],
      ['n3', 3_500],
      ['n4', 4_000],
    ] as const)
      use(table, seat(table, { id }), { cpuUsed, seenMs: nowMs });
    table.cordoned[0] = 1;
    const dead = seat(table, { id: 'n5', line: 'L2' });
    table.state[dead] = nodeState.lost;
    await stage.result('watchFleet', { metrics: ['cpuUsed'] });
    for (let i = 0; i < 8; i += 1) stage.tick();
    const frames = framesOf(stage.link);
    expect(frames.flatMap((frame) => (frame.lines && frame.areas ? [frame.sequence] : []))).toEqual([
      1, 2, 6,
    ]);
    const busy = { min: 9.8, p50: 50, p95: 100, max: 100, warn: 1, crit: 1 };
    const none = { min: 0, p50: 0, p95: 0, max: 0, warn: 0, crit: 0 };
    expect(frames[0]?.lines).toEqual([
      { count: 4, ...busy, offline: 0, cordoned: 1 },
      { count: 0, ...none, offline: 1, cordoned: 0 },
    ]);
    expect(frames[0]?.areas).toEqual([{ count: 4, ...busy, offline: 1, cordoned: 1 }]);
  });

  test('are made once per tick and metric for all windows; others get none; a slow window skips', async () => {
    const { table, stage } = openFleet();
    seat(table, { id: 'n1' });
    const second = openLink(stage.console);
    const third = openLink(stage.console);
    await stage.result('watchFleet', { metrics: ['tasks', 'cpuUsed'] });
    await second.ask('watchFleet', { metrics: ['tasks'] });
    second.isSlow.value = true;
    stage.tick();
    second.isSlow.value = false;
    stage.clock.nowMs += 250;
    stage.tick();
    const tasks = framesOf(stage.link).filter(({ metric }) => metric === 'tasks');
    expect(tasks.map(({ sequence }) => sequence)).toEqual([1, 2, 3]);
    expect(framesOf(second).map(({ sequence }) => sequence)).toEqual([1, 3]);
    expect(framesOf(second)[1]?.lines).toBeDefined();
    expect(framesOf(second)[1]?.values.buffer).toBe(tasks[2]?.values.buffer);
    expect(framesOf(third)).toEqual([]);
    await stage.result('watchFleet', { metrics: [] });
    stage.tick();
    expect(framesOf(stage.link)).toHaveLength(6);
  });

  test('a fourth metric is refused, and so is one that does not exist', async () => {
    const { stage } = openFleet();
    const four = ['cpuUsed', 'memoryUsed', 'tasks', 'sampleAge'];
    expect(await stage.refusal('watchFleet', { metrics: four })).toMatchObject({ code: 'bad_message' });
    expect(await stage.refusal('watchFleet', { metrics: ['luck'] })).toMatchObject({ field: 'metrics.0' });
  });
});

test('50,000 nodes are encoded with a value each, in the order of the plant', () => {
  const table = new NodeTable();
  for (let i = 0; i < 50_000; i += 1) {
    const row = seat(table, {
      id: `n${String(i).padStart(5, '0')}`,
      area: `A${i % 5}`,
      line: `L${i % 50}`,
      cell: `C${i % 1250}`,
    });
    use(table, row, { cpuUsed: i % 4_000, memoryUsed: i % 4_000, cpuTaken: i % 4_000, seenMs: nowMs });
  }
  const plant = new PlantIndex({ epoch: () => brandEpoch(1), fleetColumns: () => table }, () => nowMs);
  const order = plant.current();
  for (const metric of ['cpuUsed', 'cpuAllocated', 'tasks', 'sampleAge'] as const)
    expect(encodeValues(table, order, metric, nowMs), metric).toHaveLength(50_000);
});

// The made-up plant as columns: its structure, frames that move, traces, and a simulation that starts and ends.
import { nodeId } from '../../scheduler/protocol/brands.ts';
import type { Params } from '../../scheduler/protocol/consoleWire.ts';
import {
  type FleetFrame,
  fleetFlag,
  type GroupRange,
  type MetricId,
  metrics,
  type MetricTrace,
  noData,
  quantise,
  type Topology,
  traceRanges,
} from '../../scheduler/protocol/fleetFrames.ts';
import type { Simulation } from '../../scheduler/protocol/simulation.ts';
import { dice } from './fakePlant.ts';

const areaNames = ['STA', 'BOD', 'PAI', 'ASS', 'POW'];
const linesPerArea = 10;
const two = (value: number) => String(value).padStart(2, '0');

/** 5 areas of 10 lines; a large plant has 25 cells of 40 nodes in each, a small one 5 of 4. */
export function fakeTopology(nodes: number, topologyEpoch = 1): Topology {
  const cellsPerLine = nodes > 2_000 ? 25 : 5;
  const perCell = Math.max(1, Math.round(nodes / (areaNames.length * linesPerArea * cellsPerLine)));
  const names: string[] = [];
  const areas: GroupRange[] = [];
  const lines: GroupRange[] = [];
  const cells: GroupRange[] = [];
  const addLine = (area: string, line: number): void => {
    lines.push({ name: `L${two(line)}`, first: names.length, count: cellsPerLine * perCell });
    for (let cell = 1; cell <= cellsPerLine; cell += 1) {
      cells.push({ name: `C${two(cell)}`, first: names.length, count: perCell });
      const seats = Array.from({ length: perCell }, (_, seat) => `N${two(seat)}`);
      names.push(...seats.map((seat) => `${area}-L${two(line)}-C${two(cell)}-${seat}`));
    }
  };
  for (const area of nodes > 0 ? areaNames : []) {
    areas.push({ name: area, first: names.length, count: linesPerArea * cellsPerLine * perCell });
    for (let line = 1; line <= linesPerArea; line += 1) addLine(area, line);
  }
  return {
    topologyEpoch,
    plant: 'plant',
    nodes: names.map(nodeId),
    areas,
    lines,
    cells,
    simulated: new Uint8Array(names.length).fill(nodes > 2_000 ? 1 : 0),
  };
}

/** Two lines run hot, some are busy, the rest is quiet; each node wanders a little. */
function cpuOf(index: number, line: number, beat: number): number {
  const busy = dice(line, 71);
  const isHot = line === 17 || line === 3 || (line === 42 && dice(Math.floor(index / 40), 5) > 0.4);
  const base = isHot && dice(Math.floor(index / 40), 8) > 0.45 ? 84 : 18 + busy * 38;
  const spread = busy > 0.7 ? 46 : 26;
  return Math.min(100, base + dice(index, 3) * spread * 0.8 + (dice(index + beat, 11) - 0.5) * 6);
}
function valueOf(metric: MetricId, index: number, line: number, beat: number): number {
  const cpu = cpuOf(index, line, beat);
  if (metric === 'cpuUsed') return cpu;
  if (metric === 'cpuAllocated') return Math.min(100, cpu * 1.1 + 12);
  if (metric === 'memoryUsed') return 24 + dice(index, 21) * 40;
  if (metric === 'memoryAllocated') return 40 + dice(index, 22) * 50;
  if (metric === 'tasks') return Math.round(dice(index, 23) * 6);
  return dice(index, 24) * 9.5;
}
function flagOf(index: number): number {
  if (index % 613 === 11) return 0;
  const alarm = index % 12_260 === 7_040 ? 3 << fleetFlag.alarmShift : 0;
  const cordoned = index % 997 < 3 && index > 30_000 ? fleetFlag.cordoned : 0;
  return fleetFlag.online | alarm | cordoned | (index % 2_111 === 5 ? fleetFlag.stale : 0);
}

export function fakeFrame(topology: Topology, metric: MetricId, sequence: number): FleetFrame {
  const count = topology.nodes.length;
  const values = new Uint8Array(count);
  const flags = new Uint8Array(count);
  for (const [line, { first, count: size }] of topology.lines.entries())
    for (let index = first; index < first + size; index += 1) {
      flags[index] = flagOf(index);
      const isOn = (flags[index] ?? 0) > 0;
      values[index] = isOn ? quantise(valueOf(metric, index, line, sequence), metrics[metric]) : noData;
    }
  const roll = ({ first, count: size }: GroupRange) => {
    const part = [...values.subarray(first, first + size)]
      .filter((byte) => byte !== noData)
      .sort((a, b) => a - b);
    const at = (share: number) =>
      ((part[Math.floor((part.length - 1) * share)] ?? 0) / 254) * metrics[metric].max;
    const over = (limit: number) => part.filter((byte) => (byte / 254) * metrics[metric].max >= limit).length;
    const crit = over(metrics[metric].crit);
    return {
      count: part.length,
      min: at(0),
      p50: at(0.5),
      p95: at(0.95),
      max: at(1),
      warn: over(metrics[metric].warn) - crit,
      crit,
      offline: size - part.length,
      cordoned: 0,
    };
  };
  return {
    push: 'fleet',
    topologyEpoch: topology.topologyEpoch,
    sequence,
    atMs: Date.now(),
    metric,
    values,
    flags,
    newestSampleAgeMs: 40 + (sequence % 5) * 30,
    oldestSampleAgeMs: 9_700,
    ...(sequence % 4 === 1 ? { lines: topology.lines.map(roll), areas: topology.areas.map(roll) } : {}),
  };
}

export function fakeTrace({ scope, name, metric, range }: Params<'getTrace'>): MetricTrace {
  const points = 240;
  const stepMs = traceRanges[range] / points;
  const base =
    { waiting: 60, active: 900, oldestWaitS: 8, startedPerS: 210, tasks: 140 }[metric as string] ?? 44;
  const salt = name.length * 31 + name.charCodeAt(name.length - 1);
  const mean = Array.from({ length: points }, (_, at) => {
    if (at < 12 || (at > 150 && at < 156)) return null;
    return Math.max(
      0,
      base * (1 + Math.sin((at + salt) / 19) * 0.25 + Math.sin(at * 1.7 + salt) * Math.sin(at / 3.1) * 0.06),
    );
  });
  return {
    scope,
    name,
    metric,
    startMs: Date.now() - traceRanges[range],
    stepMs,
    mean,
    max: mean.map((value, at) => (value === null ? null : value * (1.05 + dice(at, 9) * 0.25))),
  };
}

/** Joins 600 nodes a second, ends in two. */
export function createFakeSimulation(initial: number) {
  let state: 'off' | 'starting' | 'running' | 'ending' = initial > 2_000 ? 'running' : 'off';
  let total = initial;
  let sinceMs = Date.now();
  const elapsedS = () => (Date.now() - sinceMs) / 1_000;
  function now(): Simulation {
    if (state === 'starting' && elapsedS() * 600 > total) state = 'running';
    if (state === 'ending' && elapsedS() > 2) state = 'off';
    if (state === 'starting') return { state, joined: Math.floor(elapsedS() * 600), total };
    if (state === 'running') return { state, online: total - 3, total };
    if (state === 'ending') return { state, done: Math.floor((elapsedS() / 2) * total), total };
    return { state };
  }
  function turn(next: 'starting' | 'ending', nodes = total): Simulation {
    state = next;
    total = nodes;
    sinceMs = Date.now();
    return now();
  }
  return { now, turn };
}

// What the plant asks for: six queues, their shares of the arrivals, and tasks as such queues hold.
import type { ParamsInput } from '../../scheduler/protocol/consoleWire.ts';
import type { TaskSpecInput } from '../../scheduler/protocol/task.ts';
import { logNormal } from './chance.ts';

export type Spec = TaskSpecInput;
interface Kind {
  readonly queue: string;
  readonly weight: number;
  /** Of all arrivals. */
  readonly share: number;
  readonly name: string;
  readonly medianMs: number;
  readonly ask: NonNullable<TaskSpecInput['ask']>;
  /** Classes of machines that can do it; none: any. */
  readonly classes: readonly string[];
  /** True: for one line, as firmware for its machines is. */
  readonly isForLine: boolean;
}
const gpuPart = { devices: 1, thousandths: 250 } as const;
const plain = { isForLine: false };

/** Shares add up to 1. */
const kinds: readonly Kind[] = [
  {
    ...plain,
    queue: 'plc-sync',
    weight: 6,
    share: 0.36,
    name: 'plc.sync',
    medianMs: 8_000,
    ask: { cpu: 200, memory: 128 },
    classes: ['plc'],
  },
  {
    ...plain,
    queue: 'vision',
    weight: 8,
    share: 0.31,
    name: 'vision.inspect',
    medianMs: 18_000,
    ask: { cpu: 1_900, memory: 1_024, gpu: gpuPart },
    classes: ['vision'],
  },
  {
    ...plain,
    queue: 'quality',
    weight: 4,
    share: 0.15,
    name: 'quality.spc',
    medianMs: 35_000,
    ask: { cpu: 1_000, memory: 768 },
    classes: ['vision', 'edge'],
  },
  {
    ...plain,
    queue: 'energy',
    weight: 1,
    share: 0.12,
    name: 'energy.read',
    medianMs: 25_000,
    ask: { cpu: 150, memory: 96 },
    classes: [],
  },
  {
    queue: 'firmware',
    weight: 2,
    share: 0.03,
    name: 'firmware.push',
    medianMs: 150_000,
    ask: { cpu: 500, memory: 384 },
    classes: ['plc'],
    isForLine: true,
  },
  {
    ...plain,
    queue: 'backup',
    weight: 1,
    share: 0.03,
    name: 'backup.cell',
    medianMs: 200_000,
    ask: { cpu: 2_000, memory: 3_072 },
    classes: ['edge'],
  },
];
const sigma = 0.6;
/** Tasks that fail on every node: what the dead letter list is for. */
const brokenShare = 0.002;
/** Arrivals per node and second at full load: fills the plant's CPU by about two fifths. */
const perNodePerS = 0.04;
/** Above it one host would be busy with the demonstration alone. */
const arrivalsPerSMax = 1_500;

export const arrivalsPerS = (nodes: number, load: number): number =>
  Math.min(arrivalsPerSMax, nodes * perNodePerS * load);

export const queuesOfMix: readonly ParamsInput<'putQueue'>[] = kinds.map(({ queue, weight }) => ({
  queue,
  change: { weight },
}));

/** `draw`: 0 to 1, a new one at each call. */
export function nextTask(lines: readonly string[], draw: () => number): Spec {
  const kind = kindAt(draw());
  const line = lines[Math.floor(draw() * lines.length)] ?? '';
  const priority = draw();
  return {
    name: `${kind.name} ${line}`,
    queue: kind.queue,
    priority: priority < 0.06 ? 8 : 5,
    work: {
      kind: 'simulated',
      runMs: Math.round(logNormal(kind.medianMs, sigma, [draw(), draw()])),
      exitCode: draw() < brokenShare ? 2 : 0,
    },
    ask: kind.ask,
    selector: {
      ...(kind.classes.length > 0 && { class: [...kind.classes] }),
      ...(kind.isForLine && { line: [line] }),
    },
    labels: { line },
  };
}

function kindAt(draw: number): Kind {
  let left = draw;
  for (const kind of kinds) {
    left -= kind.share;
    if (left < 0) return kind;
  }
  return kinds[0] as Kind;
}

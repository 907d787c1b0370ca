// A believable plant for looking at the console without a host: 1,000 nodes, 120,000 tasks, made from their number.
import type { LogPiece, OverviewFrame } from '../../scheduler/protocol/consoleFrames.ts';
import {
  epoch,
  mib,
  millicores,
  ms,
  nodeId,
  queueName,
  taskId,
  token,
} from '../../scheduler/protocol/brands.ts';
import type { NodeRow } from '../../scheduler/protocol/node.ts';
import { tracePointsMax } from '../../scheduler/protocol/limits.ts';
import type { Simulation } from '../../scheduler/protocol/simulation.ts';
import type { TaskRecord, TaskState } from '../../scheduler/protocol/task.ts';
import type { AttemptRecord } from '../../scheduler/protocol/attempt.ts';
import { endStates } from '../../scheduler/protocol/task.ts';
import type { TaskFilter, TaskRow } from '../../scheduler/protocol/view.ts';
import type { WhyAnswer } from '../../scheduler/protocol/why.ts';

const areas = ['STA', 'BOD', 'PAI', 'ASS', 'POW'];
const kinds = ['vision.inspect', 'plc.sync', 'quality.spc', 'fw.push', 'energy.read', 'backup.cell'];
const tenants = ['body-shop', 'paint', 'quality', 'default'];
const queues = ['vision', 'plc-sync', 'quality', 'firmware', 'energy', 'backup'];
const startedAtMs = Date.now();
export const tasksAtStart = 120_000;
const perSecond = 3;

export const dice = (number: number, salt = 0): number => {
  const mixed = Math.imul(number ^ (salt * 0x9e3779b9), 0x85ebca6b) ^ (number >>> 13);
  return ((Math.imul(mixed, 0xc2b2ae35) ^ (mixed >>> 16)) >>> 0) / 2 ** 32;
};
const two = (value: number) => String(value).padStart(2, '0');
const pick = <Item>(list: readonly Item[], number: number, salt: number): Item =>
  list[Math.floor(dice(number, salt) * list.length)] as Item;

export function nodeAt(index: number, nowMs = Date.now()): NodeRow {
  const area = areas[Math.floor(index / 200) % 5] ?? 'STA';
  const [line, cell, seat] = [
    Math.floor((index % 200) / 20) + 1,
    Math.floor((index % 20) / 4) + 1,
    index % 4,
  ];
  const name = `${area}-L${two(line)}-C${two(cell)}-N${two(seat)}`;
  const state = index % 137 === 11 ? 'lost' : index % 61 === 7 ? 'disconnected' : 'online';
  const allocated = Math.round(dice(index, 1) * 16) * 1_000;
  return {
    nodeId: nodeId(name),
    area,
    line: `L${two(line)}`,
    cell: `C${two(cell)}`,
    state,
    isCordoned: cordoned.has(name),
    attempts: state === 'online' ? Math.round(dice(index, 2) * 6) : 0,
    cpuTotal: millicores(16_000),
    cpuAllocated: millicores(allocated),
    cpuUsed: millicores(Math.round(allocated * (0.3 + dice(index, Math.floor(nowMs / 5_000)) * 0.5))),
    memoryTotal: mib(65_536),
    memoryAllocated: mib(Math.round(dice(index, 3) * 60_000)),
    memoryUsed: mib(Math.round(dice(index, 4) * 40_000)),
    gpuDevices: index % 40 === 0 ? 2 : 0,
    slotsTotal: 64,
    slotsAllocated: Math.round(dice(index, 2) * 6),
    lastSeenMs: ms(state === 'online' ? nowMs - dice(index, 6) * 9_000 : nowMs - 600_000),
    agentVersion: '0.1.0',
    platform: 'linux 6.1, x64',
    kinds: ['command'],
    labels: index % 40 === 0 ? { gpu: 'true', camera: 'basler' } : { camera: 'none' },
    taints: [],
  };
}
export const cordoned = new Set<string>(['PAI-L07-C01-N00', 'PAI-L07-C01-N01', 'PAI-L07-C01-N02']);
export const nodesTotal = 1_000;

export const newestTask = (nowMs = Date.now()): number =>
  tasksAtStart + Math.floor(((nowMs - startedAtMs) / 1_000) * perSecond);

export const cancelled = new Set<number>();

function stateOf(id: number, ageMs: number): TaskState {
  if (cancelled.has(id)) return 'cancelled';
  const runMs = 2_000 + dice(id, 1) * 70_000;
  if (id % 12 === 4 && ageMs < 90_000) return 'ready';
  if (id % 45 === 6 && ageMs < 200_000) return 'backoff';
  if (ageMs < runMs) return ageMs < 300 ? 'dispatched' : 'running';
  if (id % 40 === 9) return 'dead_letter';
  return id % 97 === 3 ? 'cancelled' : 'succeeded';
}

function waitingOf(id: number, state: TaskState): TaskRow['waiting'] {
  if (state === 'backoff') return 'backoff';
  if (state !== 'ready') return 'none';
  return id % 24 === 4 ? 'blocked' : 'ready';
}
function attemptsOf(state: TaskState): number {
  if (state === 'ready') return 0;
  return state === 'dead_letter' ? 3 : 1;
}
function endOf(state: TaskState): Partial<TaskRow> {
  if (state === 'succeeded') return { exitCode: 0 };
  if (state !== 'dead_letter') return {};
  return { exitCode: 2, reason: 'attempt 3 of 3 ended with exit code 2' };
}

export function taskAt(id: number, nowMs = Date.now()): TaskRow {
  const atStart = tasksAtStart - id;
  const submittedAtMs =
    startedAtMs - Math.round((atStart * 1_000) / perSecond) + Math.floor(dice(id, 5) * 300);
  const ageMs = nowMs - submittedAtMs;
  const state = stateOf(id, ageMs);
  const waitMs = 0.4 + dice(id, 2) * 9;
  const isEnd = endStates.some((end) => end === state);
  const runMs = 2_000 + dice(id, 1) * 70_000;
  const isPlaced = state !== 'ready' && state !== 'backoff';
  return {
    taskId: taskId(id),
    name: `${pick(kinds, id, 3)} ${pick(areas, id, 4)}-${two(id % 60)}`,
    kind: 'command',
    queue: queueName(pick(queues, id, 3)),
    tenant: pick(tenants, id, 6),
    priority: id % 17 === 0 ? 8 : 5,
    state,
    waiting: waitingOf(id, state),
    attempt: attemptsOf(state),
    attemptsMax: state === 'backoff' ? 5 : 3,
    ...(isPlaced ? { nodeId: nodeAt(Math.floor(dice(id, 7) * nodesTotal)).nodeId } : {}),
    submitter: 'sched',
    submittedAtMs: ms(submittedAtMs),
    ...(isPlaced && state !== 'dispatched' ? { startedAtMs: ms(submittedAtMs + waitMs) } : {}),
    ...(isEnd ? { endedAtMs: ms(submittedAtMs + waitMs + runMs) } : {}),
    ...endOf(state),
    labels: {},
  };
}

export function recordOf(row: TaskRow): TaskRecord {
  const attempts: AttemptRecord[] = Array.from({ length: row.attempt }, (_, at) => {
    const isLast = at === row.attempt - 1;
    const hasEnd = !isLast || row.endedAtMs !== undefined || row.state === 'backoff';
    return {
      attempt: at + 1,
      token: token(row.taskId * 10 + at),
      nodeId: nodeId(row.nodeId ?? 'BOD-L08-C03-N01'),
      placedAtMs: ms(row.submittedAtMs + at * 4_000),
      startedAtMs: ms(row.submittedAtMs + 2 + at * 4_000),
      ...(hasEnd
        ? {
            endedAtMs: ms(row.submittedAtMs + 3_000 + at * 4_000),
            end: {
              reason: 'exit',
              exitCode: row.exitCode ?? 2,
              runMs: ms(2_998.4),
              cpuMs: ms(812),
              memoryPeakMiB: mib(96),
            },
          }
        : {}),
    } satisfies AttemptRecord;
  });
  return {
    taskId: row.taskId,
    spec: {
      name: row.name,
      queue: row.queue,
      tenant: row.tenant,
      priority: row.priority,
      work: {
        kind: 'command',
        argv: ['/opt/plant/bin/inspect', '--camera', 'left door', '--limit', '0.2', `--part=${row.taskId}`],
        shell: false,
        env: { PLANT: 'north', LOG_LEVEL: 'info' },
        cwd: '/srv/inspect',
      },
      ask: {
        cpu: millicores(2_000),
        memory: mib(6_144),
        gpu: { devices: 1, thousandths: 1_000 },
        slots: 1,
        custom: {},
      },
      selector: { gpu: ['true'], area: ['PAI', 'BOD'] },
      tolerations: [],
      timeoutMs: 3_600_000,
      graceMs: 5_000,
      retry: { attemptsMax: row.attemptsMax, backoffMs: 1_000, backoffCapMs: 300_000 },
      delivery: 'at_least_once',
      labels: { order: 'A-4711' },
    },
    submitter: row.submitter,
    state: row.state,
    submittedAtMs: row.submittedAtMs,
    ...(row.endedAtMs === undefined ? {} : { endedAtMs: row.endedAtMs }),
    ...(row.reason === undefined ? {} : { reason: row.reason }),
    attempts,
  };
}

export const matches = (row: TaskRow, filter: TaskFilter): boolean => {
  const { states, queue, nodeId: on, tenant, text, sinceMs = 0, untilMs = Infinity } = filter;
  const isNamed = (wanted: string | undefined, value: string | undefined) =>
    wanted === undefined || wanted === value;
  return (
    (states === undefined || states.includes(row.state)) &&
    isNamed(queue, row.queue) &&
    isNamed(on, row.nodeId) &&
    isNamed(tenant, row.tenant) &&
    row.submittedAtMs >= sinceMs &&
    row.submittedAtMs < untilMs &&
    (text === undefined || row.name.includes(text))
  );
};

export function whyOf(row: TaskRow): WhyAnswer {
  const steps = [
    ['NODE_NOT_ONLINE', 974],
    ['KIND_NOT_OFFERED', 974],
    ['LABEL_MISMATCH', 24],
    ['NODE_CORDONED', 21],
    ['INSUFFICIENT_CPU', 20],
    ['INSUFFICIENT_MEMORY', 4],
    ['INSUFFICIENT_GPU', 0],
  ] as const;
  return {
    taskId: row.taskId,
    waiting: row.waiting,
    dominant:
      row.waiting === 'backoff' ? 'BACKOFF' : row.waiting === 'none' ? 'NOT_WAITING' : 'INSUFFICIENT_GPU',
    verdict: 'later',
    causes: [],
    helps: [],
    registered: nodesTotal,
    funnel: steps.map(([reason, remaining], at) => ({
      reason,
      remaining,
      removed: (steps[at - 1]?.[1] ?? nodesTotal) - remaining,
    })),
    nearMisses: [0, 40, 80].map((index) => ({
      nodeId: nodeAt(index).nodeId,
      lacks: [{ reason: 'INSUFFICIENT_GPU' as const, has: '0 devices free', needs: '1 device' }],
    })),
    ahead: 0,
    ...(row.waiting === 'backoff' ? { untilMs: ms(Date.now() + 4_200) } : {}),
    ...(row.nodeId === undefined ? {} : { placedOn: row.nodeId }),
  };
}

const words = [
  'frame ok',
  'edge distance 0.18 mm',
  'retry of camera handshake',
  '\u001b[33mwarn\u001b[0m exposure high',
];
export function logPiece(of: number, piece: number): LogPiece {
  const isErr = piece % 7 === 0;
  const odd = piece === 9 ? ' bell\u0007 and \u202egnitirw desrever' : '';
  return {
    token: token(of),
    piece,
    stream: isErr ? 'stderr' : 'stdout',
    offset: piece * 40,
    text: `${String(piece).padStart(5)} ${isErr ? 'E camera timeout, trying again' : pick(words, piece, 9)}${odd}\n`,
    atMs: ms(Date.now() - 60_000 + piece * 100),
  };
}

const wave = (length: number, base: number, height: number): number[] =>
  Array.from({ length }, (_, at) => {
    const dip = at > 320 && at < 332 ? 0.6 : 1;
    return (base + Math.sin(at / 23) * height + (dice(at, base) - 0.5) * height) * dip;
  });
const traces = {
  online: wave(tracePointsMax, 974, 3),
  running: wave(tracePointsMax, 9_130, 400),
  waiting: wave(tracePointsMax, 412, 60),
  dispatchedPerS: wave(tracePointsMax, 1_310, 120),
  dispatchP99Ms: wave(tracePointsMax, 3.8, 0.7),
  deadLettered: wave(tracePointsMax, 2, 1.6).map(Math.round),
  cpuAllocatedPercent: wave(tracePointsMax, 82, 3),
  cpuUsedPercent: wave(tracePointsMax, 51, 4),
};
export const acknowledged = new Set<number>([3, 4]);

export const weights = new Map<string, number>();

export function overview(
  sequence: number,
  { nodes, simulation }: { readonly nodes: number; readonly simulation: Simulation },
): OverviewFrame {
  const nowMs = Date.now();
  const hasNodes = nodes > 0;
  const offline = Math.round(nodes / 613);
  const few = hasNodes ? 1 : 0;
  const alarm = (
    alarmId: number,
    priority: 1 | 2 | 3 | 4,
    code: OverviewFrame['alarms'][number]['code'],
    source: string,
  ) => ({
    alarmId,
    priority,
    code,
    source,
    params: {},
    raisedAtMs: ms(startedAtMs - alarmId * 311_000),
    isActive: alarmId !== 3,
    isAcknowledged: acknowledged.has(alarmId),
  });
  return {
    push: 'overview',
    sequence,
    atMs: ms(nowMs),
    epoch: epoch(3),
    isRecovering: false,
    nodes: hasNodes
      ? {
          total: nodes,
          online: nodes - offline,
          disconnected: offline - 1,
          lost: 1,
          cordoned: 3,
          setAside: 0,
        }
      : { total: 0, online: 0, disconnected: 0, lost: 0, cordoned: 0, setAside: 0 },
    tasks: {
      ready: 120 * few,
      backlog: 0,
      blocked: 284 * few,
      held: 0,
      backoff: 8 * few,
      dispatched: 14 * few,
      running: 9_134 * few,
      cancelling: 0,
    },
    use: {
      cpuTotal: millicores(15_584_000 * few),
      cpuAllocated: millicores(12_810_000 * few),
      cpuUsed: millicores(7_940_000 * few),
      memoryTotal: mib(63_832_064 * few),
      memoryAllocated: mib(41_000_000 * few),
      memoryUsed: mib(30_500_000 * few),
    },
    queues: hasNodes
      ? queues.map((queue, at) => ({
          queue: queueName(queue),
          weight: weights.get(queue) ?? [10, 5, 5, 2, 1, 1][at] ?? 1,
          settings: { weight: 1, mode: 'open' },
          live: 0,
          allocated: { cpu: 0, memory: 0, gpu: 0 },
          share: 0,
          ready: [96, 12, 0, 4, 0, 8][at] ?? 0,
          backlog: 0,
          blocked: at === 0 ? 284 : 0,
          backoff: at === 3 ? 8 : 0,
          active: [4_120, 1_240, 2_802, 77, 890, 14][at] ?? 0,
          ...(at === 2 || at === 4
            ? {}
            : { oldestSubmittedAtMs: ms(nowMs - ([84_000, 214, 0, 41_000, 0, 120_000][at] ?? 0)) }),
        }))
      : [],
    rates: {
      submittedPerS: 1_320,
      dispatchedPerS: 1_314 * few,
      endedPerS: 1_309,
      messagesPerS: 12_420 * few,
    },
    ...(hasNodes ? { dispatchMs: { p50: 1.21, p99: 3.84 } } : {}),
    lastHour: { succeeded: 3_300_120 * few, deadLettered: 23 * few, cancelled: 41 * few },
    ...(sequence % 4 === 1 ? { traces: hasNodes ? traces : { ...traces, dispatchedPerS: [0, 0] } } : {}),
    alarms: hasNodes
      ? [
          alarm(1, 2, 'NODE_LOST', 'BOD-L08-C03-N01'),
          alarm(2, 3, 'NODE_LOST', 'STA-L02-C01-N03'),
          alarm(3, 2, 'HOST_RESTARTED', 'host'),
          alarm(4, 3, 'NODE_LOST', 'PAI-L01-C02-N00'),
          alarm(5, 3, 'QUEUE_LATE', 'vision'),
        ]
      : [],
    badMessages: 0,
    ...(simulation.state === 'off' ? {} : { simulation }),
  };
}

// One example of each thing for the OpenAPI document. Tests check them against the schemas.
import type { LogPiece } from '../protocol/consoleFrames.ts';
import type { BackupPlan, Retention } from '../protocol/storage.ts';
import type { TaskSpecInput } from '../protocol/task.ts';

export const taskSpec: TaskSpecInput = {
  name: 'words of the shift report',
  queue: 'default',
  work: { kind: 'command', argv: ['wc', '-w', '/var/log/shift.txt'] },
  ask: { cpu: 500, memory: 128 },
  selector: { line: ['BOD-L08'] },
  timeoutMs: 60_000,
};

const row = {
  taskId: 42,
  name: 'words of the shift report',
  kind: 'command',
  queue: 'default',
  tenant: 'default',
  priority: 5,
  state: 'succeeded',
  waiting: 'none',
  attempt: 1,
  attemptsMax: 3,
  nodeId: 'BOD-L08-C03-N07',
  submitter: 'program@127.0.0.1',
  submittedAtMs: 1_794_000_000_000,
  startedAtMs: 1_794_000_000_020,
  endedAtMs: 1_794_000_000_070,
  exitCode: 0,
  labels: {},
};

export const taskList = {
  rows: [row],
  total: 1,
  totalIsEstimate: false,
  asOfMs: 1_794_000_001_000,
  tookMs: 1,
};

export const taskGroups = {
  groups: [
    { key: 'default', tasks: 41 },
    { key: 'press-3', tasks: 7 },
  ],
  total: 48,
  beyond: 0,
  isEstimate: false,
  asOfMs: 1_794_000_001_000,
  tookMs: 1,
};

export const taskDetail = {
  row,
  record: {
    taskId: 42,
    spec: taskSpec,
    submitter: 'program@127.0.0.1',
    state: 'succeeded',
    submittedAtMs: 1_794_000_000_000,
    endedAtMs: 1_794_000_000_070,
    attempts: [
      {
        attempt: 1,
        token: 7,
        nodeId: 'BOD-L08-C03-N07',
        placedAtMs: 1_794_000_000_001,
        startedAtMs: 1_794_000_000_020,
        endedAtMs: 1_794_000_000_070,
        end: { reason: 'exit', exitCode: 0, runMs: 50 },
      },
    ],
  },
};

export const why = {
  taskId: 43,
  waiting: 'blocked',
  dominant: 'INSUFFICIENT_CPU',
  verdict: 'later',
  causes: [
    {
      reason: 'NO_NODE_FITS',
      facts: { registered: 12 },
      causes: [{ reason: 'INSUFFICIENT_CPU', facts: { nodes: 12, remaining: 0 }, causes: [] }],
    },
  ],
  helps: [
    {
      lifts: 'INSUFFICIENT_CPU',
      nodes: 12,
      nodeId: 'BOD-L08-C03-N07',
      facts: { has: '500 millicores free', needs: '2000 millicores free' },
    },
  ],
  expected: { atMs: 1_794_000_060_000, fromMs: 1_794_000_030_000, untilMs: 1_794_000_120_000, basis: 'ends' },
  registered: 12,
  funnel: [{ reason: 'INSUFFICIENT_CPU', remaining: 0, removed: 12 }],
  nearMisses: [
    {
      nodeId: 'BOD-L08-C03-N07',
      lacks: [{ reason: 'INSUFFICIENT_CPU', has: '500', needs: '2000' }],
    },
  ],
  ahead: 0,
};

export const logPiece: Record<keyof LogPiece, unknown> = {
  token: 7,
  piece: 1,
  stream: 'stdout',
  offset: 0,
  text: '42 /var/log/shift.txt\n',
  atMs: 1_794_000_000_060,
  droppedBytes: 0,
};

export const node = {
  nodeId: 'BOD-L08-C03-N07',
  area: 'BOD',
  line: 'L08',
  cell: 'C03',
  state: 'online',
  isCordoned: false,
  attempts: 1,
  cpuTotal: 8_000,
  cpuAllocated: 500,
  cpuUsed: 320,
  memoryTotal: 16_384,
  memoryAllocated: 128,
  memoryUsed: 900,
  gpuDevices: 0,
  slotsTotal: 64,
  slotsAllocated: 1,
  lastSeenMs: 1_794_000_000_000,
  agentVersion: '0.1.0',
  platform: 'linux',
  kinds: ['command'],
  labels: {},
  taints: [],
};

export const queue = {
  queue: 'default',
  weight: 1,
  settings: { weight: 1, mode: 'open' },
  live: 1,
  allocated: { cpu: 100, memory: 64, gpu: 0 },
  share: 0.025,
  ready: 0,
  backlog: 0,
  blocked: 0,
  backoff: 0,
  active: 1,
};

export const tenant = {
  tenant: 'press-shop',
  settings: { weight: 3, burst: { cpu: 64_000 } },
  live: 1,
  active: 1,
  allocated: { cpu: 100, memory: 64, gpu: 0 },
  share: 0.025,
};

export const retention: Retention = { tasksMax: 10_000_000, daysMax: 365, logBytesMax: 8_589_934_592 };
export const backupPlan: BackupPlan = { folder: '/backup', everyHours: 24, keep: 7 };

export const storageJob = {
  jobId: 3,
  kind: 'backup',
  actor: 'schedule',
  state: 'done',
  startedAtMs: 1_794_000_000_000,
  endedAtMs: 1_794_000_009_000,
  done: 40_000,
  total: 40_000,
  path: '/backup/millrace-20261105-120000',
  bytes: 81_920_000,
};

export const bulkJob = {
  jobId: 4,
  kind: 'requeue',
  actor: 'operator',
  state: 'running',
  startedAtMs: 1_794_000_000_000,
  done: 2_560,
  total: 12_431,
  bulk: { changed: 2_559, skipped: [{ reason: 'changed', tasks: 1, message: 'T-9X is cancelled by now' }] },
};

export const storage = {
  dataFolder: '/home/press/.millrace/hub',
  freeBytes: 52_000_000_000,
  journal: { bytes: 90_000_000, replayBytes: 12_000_000, isSnapshotUnderWay: false },
  history: {
    bytes: 73_000_000,
    tasks: 120_000,
    logBytes: 4_000_000,
    oldestEndedAtMs: 1_793_000_000_000,
  },
  retention,
  backup: { ...backupPlan, lastAtMs: 1_794_000_000_000, nextAtMs: 1_794_086_400_000 },
  jobs: [storageJob],
};

export const health = {
  version: '0.1.0',
  startedAtMs: 1_794_000_000_000,
  atMs: 1_794_000_001_000,
  epoch: 3,
  isRecovering: false,
  nodes: { total: 12, online: 12, disconnected: 0, lost: 0, cordoned: 0, setAside: 0 },
  tasks: { ready: 0, backlog: 0, blocked: 0, held: 0, backoff: 0, dispatched: 0, running: 1, cancelling: 0 },
  use: {
    cpuTotal: 96_000,
    cpuAllocated: 500,
    cpuUsed: 3_200,
    memoryTotal: 196_608,
    memoryAllocated: 128,
    memoryUsed: 9_000,
  },
  queues: [queue],
};

export const windowSettings = {
  scope: { line: ['PRS-L03'] },
  fromMs: 1_763_848_800_000,
  untilMs: 1_763_856_000_000,
  note: 'new die',
};
export const window = { id: 'press-3', ...windowSettings };
export const licence = { licence: 'cad', total: 4, held: 1 };

// Serves dist/renderer under the console's policy and answers its calls with a made-up plant. For looking, not testing.
// node test/ui/fakeHost.ts [port] [nodes: 1000, 0 for none, 50000 simulated]; RECOVER=20: recovers for so many seconds.
import { createReadStream, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { Server, type Socket } from 'socket.io';
import { consoleNamespace, type Params, type Request } from '../../scheduler/protocol/consoleWire.ts';
import { ms, taskId } from '../../scheduler/protocol/brands.ts';
import type { TaskFilter, TaskRow } from '../../scheduler/protocol/view.ts';
import { createFakeSimulation, fakeFrame, fakeTopology, fakeTrace } from './fakeFleet.ts';
import * as plant from './fakePlant.ts';
import { lookedAtATime, storageAnswers } from './fakeStorage.ts';

const port = Number(process.argv[2] ?? 7999);
let nodes = Number(process.argv[3] ?? 1_000);
const hasNodes = () => nodes > 0;
const root = process.env['ROOT'] ?? join(import.meta.dirname, '../../dist/renderer');
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self'; connect-src 'self' ws:; worker-src 'self'; base-uri 'none'; form-action 'none'; " +
  "require-trusted-types-for 'script'; trusted-types vue";
const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

const recoverMs = Number(process.env['RECOVER'] ?? 0) * 1_000;
const openedAtMs = Date.now();
/** Thousandths of the recovery that are over. */
const recovered = () => Math.floor(((Date.now() - openedAtMs) / recoverMs) * 1_000);
const isRecovering = () => recoverMs > 0 && recovered() < 1_000;

const server = createServer((request, response) => {
  if (request.url === '/health' && isRecovering()) {
    const stage = recovered() < 300 ? 'checking' : recovered() < 800 ? 'loading' : 'replaying';
    response.writeHead(503, { 'content-type': 'application/json' });
    return response.end(
      JSON.stringify({ state: 'recovering', stage, done: recovered() * 812_000, total: 812_000_000 }),
    );
  }
  const path = normalize(decodeURIComponent((request.url ?? '/').split('?')[0] ?? '/'));
  const file = join(root, path === '/' ? 'index.html' : path);
  if (!file.startsWith(root) || !existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { 'content-type': types[extname(file)] ?? '', 'content-security-policy': policy });
  return createReadStream(file).pipe(response);
});

let topology = fakeTopology(nodes);
const simulation = createFakeSimulation(nodes);
function grow(count: number): void {
  nodes = count;
  topology = fakeTopology(count, topology.topologyEpoch + 1);
}

const answers: Record<string, (params: never) => unknown> = {
  hello: () => ({
    who: { user: 'local', role: 'administrator', queues: '*', source: 'window', hasAccounts: false },
    version: '0.1.0',
    epoch: 3,
    startedAtMs: Date.now() - 3_600_000,
    dataFolder: '/var/lib/millrace',
    hubAddress: 'http://127.0.0.1:7443',
    runtime: `Node ${process.version}`,
  }),
  listTasks: ({ filter, before, limit }: Params<'listTasks'>) => listTasks(filter, before, limit),
  getTask: ({ taskId: id }: Params<'getTask'>) => {
    const row = plant.taskAt(id);
    return { record: plant.recordOf(row), row };
  },
  whyTask: ({ taskId: id }: Params<'whyTask'>) => plant.whyOf(plant.taskAt(id)),
  submitTasks: () => ({ answers: [{ ok: true, taskId: taskId(plant.newestTask()) }] }),
  cancelTasks: ({ taskIds }: Params<'cancelTasks'>) => {
    for (const id of taskIds) plant.cancelled.add(id);
    return { answers: taskIds.map(() => ({ ok: true })) };
  },
  requeueTasks: ({ taskIds }: Params<'requeueTasks'>) => ({
    answers: taskIds.map((id) => ({
      ok: false,
      taskId: id,
      refusal: { code: 'wrong_state', message: 'the task is still live; cancel it first' },
    })),
  }),
  readLog: ({ token, after, limit }: Params<'readLog'>) => {
    const last = Math.min(after + limit, 640);
    const pieces = Array.from({ length: Math.max(0, last - after) }, (_, at) =>
      plant.logPiece(token, after + at + 1),
    );
    return { pieces, isComplete: false };
  },
  watchLog: ({ on }: Params<'watchLog'>) => ({ on }),
  listNodes: ({ text = '', state, offset, limit }: Params<'listNodes'>) => {
    const all = Array.from({ length: hasNodes() ? plant.nodesTotal : 0 }, (_, at) => plant.nodeAt(at)).filter(
      (node) =>
        node.nodeId.toLowerCase().includes(text.toLowerCase()) &&
        (state === undefined || node.state === state),
    );
    return { rows: all.slice(offset, offset + limit), total: all.length };
  },
  getNode: ({ nodeId }: Params<'getNode'>) => ({
    node: Array.from({ length: plant.nodesTotal }, (_, at) => plant.nodeAt(at)).find(
      (node) => node.nodeId === nodeId,
    ),
    tasks: [0, 1, 2].map((back) => plant.taskAt(plant.newestTask() - 10 - back)),
  }),
  setCordon: ({ nodeId, isCordoned }: Params<'setCordon'>) => {
    if (isCordoned) plant.cordoned.add(nodeId);
    else plant.cordoned.delete(nodeId);
    return { isCordoned };
  },
  forgetNode: () => ({ forgotten: true }),
  declareLost: () => ({ attempts: 2 }),
  createEnrolment: () => enrolment('mrj_8Yq2v0Xc7rB1n5KsTz4Lw9'),
  listEnrolments: () => ({ enrolments: [] }),
  revokeEnrolment: () => ({ revoked: true }),
  revokeNode: () => ({ revoked: true }),
  renewCertificate: () => ({ renewed: true }),
  getTopology: () => topology,
  getTrace: (params: Params<'getTrace'>) => fakeTrace(params),
  getSimulation: () => simulation.now(),
  startSimulation: ({ nodes: wanted = 1_000 }: Partial<Params<'startSimulation'>>) => {
    setTimeout(() => {
      grow(wanted);
    }, 2_000);
    return simulation.turn('starting', wanted);
  },
  endSimulation: () => {
    setTimeout(() => {
      grow(0);
    }, 2_000);
    return simulation.turn('ending');
  },
  putQueue: ({ queue, change }: Params<'putQueue'>) => {
    plant.weights.set(queue, change.weight ?? 1);
    return { queue };
  },
  listTenants: () => ({ tenants: [] }),
  ...storageAnswers,
  acknowledgeAlarm: ({ alarmId }: Params<'acknowledgeAlarm'>) => {
    plant.acknowledged.add(alarmId);
    return { acknowledged: true };
  },
};
const enrolment = (code: string) => ({
  enrolmentId: '5f3a9c07b1e2',
  hubUrl: 'http://192.168.10.5:7443',
  code,
  command: `millrace-agent --hub http://192.168.10.5:7443 --token ${code}`,
  expiresAtMs: Date.now() + 86_400_000,
  nodesMax: 1,
});

function listTasks(
  filter: NonNullable<Params<'listTasks'>['filter']>,
  before: number | undefined,
  limit: number,
) {
  const newest = plant.newestTask();
  const isAll = Object.keys(filter).every((key) => key === 'sinceMs');
  const from = Math.min(newest, (before ?? newest + 1) - 1);
  const bottom = filter.text === undefined ? 0 : Math.max(0, from - lookedAtATime);
  const rows = rowsBetween(from, bottom, { filter: isAll ? {} : filter, limit });
  if (rows.length < limit && bottom > 0) return cutPage(rows, bottom);
  const isMore = rows.length === limit && (rows.at(-1)?.taskId ?? 0) > 1;
  return {
    rows,
    ...(isMore ? { nextBefore: rows.at(-1)?.taskId } : {}),
    total: isAll ? newest : countMatching(filter, newest),
    totalIsEstimate: false,
    asOfMs: ms(Date.now()),
    tookMs: 0.8,
  };
}
function rowsBetween(
  from: number,
  bottom: number,
  { filter, limit }: { filter: TaskFilter; limit: number },
): TaskRow[] {
  const rows: TaskRow[] = [];
  for (let id = from; id > bottom && rows.length < limit; id--) {
    const row = plant.taskAt(id);
    if (plant.matches(row, filter)) rows.push(row);
  }
  return rows;
}
/** The search stopped at its bound. */
const cutPage = (rows: readonly unknown[], bottom: number) => ({
  rows,
  nextBefore: bottom + 1,
  looked: lookedAtATime,
  total: 0,
  totalIsEstimate: true,
  asOfMs: ms(Date.now()),
  tookMs: 300,
});
function countMatching(filter: NonNullable<Params<'listTasks'>['filter']>, newest: number): number {
  let count = 0;
  for (let id = 1; id <= newest; id++) if (plant.matches(plant.taskAt(id), filter)) count++;
  return count;
}

function serve(socket: Socket): void {
  let timer: NodeJS.Timeout | undefined;
  let fleetTimer: NodeJS.Timeout | undefined;
  let sequence = 0;
  const watchFleet = (metrics: Params<'watchFleet'>['metrics']) => {
    clearInterval(fleetTimer);
    let beat = 0;
    const push = () => {
      beat += 1;
      for (const metric of metrics) socket.emit('m', fakeFrame(topology, metric, beat));
    };
    if (metrics.length > 0) fleetTimer = setInterval(push, 250);
    return { metrics };
  };
  socket.on('m', (request: Request) => {
    if (request.method === 'watchFleet') {
      const { metrics } = request.params as Params<'watchFleet'>;
      socket.emit('m', { id: request.id, ok: true, result: watchFleet(metrics) });
      return;
    }
    if (request.method === 'watchOverview') {
      clearInterval(timer);
      timer = setInterval(
        () => socket.emit('m', plant.overview(++sequence, { nodes, simulation: simulation.now() })),
        250,
      );
      socket.emit('m', { id: request.id, ok: true, result: { on: true } });
      return;
    }
    const answer = answers[request.method];
    const isSlow =
      request.method === 'listTasks' && (request.params as Params<'listTasks'>).filter.text !== undefined;
    const reply = answer
      ? {
          id: request.id,
          ok: true,
          result: answer({ filter: {}, after: 0, offset: 0, limit: 50, ...(request.params ?? {}) } as never),
        }
      : { id: request.id, ok: false, refusal: { code: 'unknown_method', message: request.method } };
    setTimeout(() => socket.emit('m', reply), isSlow ? 300 : 0);
  });
  socket.on('disconnect', () => {
    clearInterval(timer);
    clearInterval(fleetTimer);
  });
}
new Server(server, { serveClient: false })
  .of(consoleNamespace)
  .use((_socket, next) => {
    next(isRecovering() ? new Error('recovering') : undefined);
  })
  .on('connection', serve);
server.listen(port, '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${port}/#token=dev`);
});

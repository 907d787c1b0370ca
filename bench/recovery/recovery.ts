// How long a host takes to be back with all it knew: from the start of its process to the hub that listens, and to the
// first submit that is durable. The peer reads the same number of tasks from a table with one row each.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Bench, type Measured, quantile, rounded, wholeOption } from '../bench.ts';
import { fillJournal } from './plant.ts';

const root = join(import.meta.dirname, '../..');

/** Options: `tasks` (1,000,000), `runs` (3), `folder` on the disk to measure. */
export const recovery: Bench = async (options): Promise<Measured> => {
  const tasks = wholeOption(options, 'tasks', 1_000_000);
  const runs = wholeOption(options, 'runs', 3);
  const place = mkdtempSync(join(options['folder'] ?? tmpdir(), 'millrace-bench-'));
  try {
    const data = join(place, 'data');
    mkdirSync(data);
    // The first submit after the start is the last one that the table takes.
    const filled = await fillJournal(data, tasks - 1);
    const starts: Started[] = [];
    for (let run = 0; run < runs; run += 1) starts.push(await startOnce(data));
    const median = (of: (start: Started) => number): number => rounded(quantile(starts.map(of), 0.5));
    return {
      params: { tasks, runs, nodes: 1_000, median: true },
      figures: {
        tasks: filled.liveTasks + 1,
        running: filled.running,
        replayMiB: rounded(filled.replayBytes / 2 ** 20),
        journalMiB: rounded(filled.fileBytes / 2 ** 20),
        recoverMs: median(({ listeningMs }) => listeningMs),
        firstSubmitMs: median(({ submittedMs }) => submittedMs),
        rssMiB: median(({ rssMiB }) => rssMiB),
      },
      peers: { rowPerTaskMs: rounded(readRows(join(place, 'rows.db'), tasks)) },
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
};

interface Started {
  readonly listeningMs: number;
  readonly submittedMs: number;
  readonly rssMiB: number;
}

async function startOnce(data: string): Promise<Started> {
  const startedMs = performance.now();
  const host = spawn(
    process.execPath,
    [join(root, 'scheduler/host/entry.ts'), '--data', data, '--port', '0'],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  try {
    const address = await addressOf(host);
    const listeningMs = performance.now() - startedMs;
    await submitOne(address, data);
    const submittedMs = performance.now() - startedMs;
    return { listeningMs, submittedMs, rssMiB: residentMiB(host.pid) };
  } finally {
    // As a crash: an orderly end would write a new snapshot, and the next start would find less to replay.
    const gone = new Promise((resolve) => host.once('exit', resolve));
    host.kill('SIGKILL');
    await gone;
  }
}

function addressOf(host: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    host.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const address = /agents join at (\S+)/.exec(said)?.[1];
      if (address !== undefined) resolve(address);
    });
    host.once('exit', (code) => {
      reject(new Error(`the host ended with ${String(code)}`));
    });
  });
}

async function submitOne(address: string, data: string): Promise<void> {
  const { apiToken } = JSON.parse(readFileSync(join(data, 'secrets.json'), 'utf8')) as {
    apiToken: string;
  };
  const answer = await fetch(`${address}/api/v1/tasks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiToken}`, 'content-type': 'application/json' },
    // The same key at each start: the first one admits it, the others are told so.
    body: JSON.stringify({ work: { kind: 'simulated', runMs: 1 }, key: 'first after the start' }),
  });
  if (!answer.ok) throw new Error(`submit: ${answer.status} ${await answer.text()}`);
  await answer.arrayBuffer();
}

function residentMiB(pid = 0): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1_024;
}

/** What a queue with its tasks in a table does at its start: read each row, and make it an object. */
function readRows(path: string, tasks: number): number {
  const database = new DatabaseSync(path);
  database.exec('CREATE TABLE task (id INTEGER PRIMARY KEY, state TEXT, queue TEXT, spec TEXT); BEGIN');
  const insert = database.prepare('INSERT INTO task VALUES (?, ?, ?, ?)');
  const spec = (at: number): string =>
    JSON.stringify({
      name: `inspect weld ${at}`,
      queue: `queue-${at % 40}`,
      work: {
        kind: 'command',
        argv: ['/opt/plant/bin/inspect', '--part', String(at)],
        env: {},
        shell: false,
      },
      ask: { cpu: 100, memory: 64, slots: 1, custom: {} },
      labels: { order: `o${at % 5_000}`, shift: 'early' },
      retry: { attemptsMax: 3, backoffMs: 1_000, backoffCapMs: 300_000 },
      key: `order-${at}`,
    });
  for (let at = 1; at <= tasks; at += 1) insert.run(at, 'ready', `queue-${at % 40}`, spec(at));
  database.exec('COMMIT');
  const startedMs = performance.now();
  const table = new Map<number, unknown>();
  for (const row of database.prepare('SELECT * FROM task').iterate())
    table.set(Number(row['id']), { ...row, spec: JSON.parse(String(row['spec'])) as unknown });
  const tookMs = performance.now() - startedMs;
  database.close();
  return table.size === tasks ? tookMs : Number.NaN;
}

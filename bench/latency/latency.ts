// From the caller's send to the entry of the agent's dispatch handler, through the production host with its durable
// journal; beside it the same way over bare Socket.IO. The agent's own ledger write comes after that entry.
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import type { OverviewFrame } from '../../scheduler/protocol/consoleFrames.ts';
import type { FromHost } from '../../scheduler/protocol/consoleWire.ts';
import type { SubmitAnswer } from '../../scheduler/protocol/consoleAnswers.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { type Bench, type Measured, quantile, rounded, wholeOption } from '../bench.ts';
import { forkHost } from '../hostProcess.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';

const idleGapMs = 20; // between single tasks: long enough for the one before to have ended
const warmUpMs = 3_000;
const settleMs = 1_000;

interface Entered {
  readonly task: readonly [number, string][];
  readonly echo: readonly [number, string][];
}

/** Options: `agents` (100), `rate` per second (500), `seconds` of each phase (10). */
export const latency: Bench = async (options): Promise<Measured> => {
  const agents = wholeOption(options, 'agents', 100);
  const rate = wholeOption(options, 'rate', 500);
  const seconds = wholeOption(options, 'seconds', 10);
  const folder = mkdtempSync(join(tmpdir(), 'millrace-latency-'));
  const children: ChildProcess[] = [];
  process.once('exit', () => {
    for (const child of children) child.kill('SIGKILL'); // also where this bench itself fails
  });
  try {
    const hub = await startHub(folder, children);
    const echoUrl = await startEcho(children);
    const fleet = await startAgents([hub.url, hub.token, echoUrl, String(agents)], children);
    const caller = new Caller(await connectConsole(hub), await connect(io(echoUrl, sockets)));
    await pause(warmUpMs);
    await caller.steady(rate, warmUpMs); // both paths are compiled before anything counts
    await pause(settleMs);
    caller.begin('loaded');
    await caller.steady(rate, seconds * 1_000);
    const inHost = await caller.hostDispatch();
    await pause(settleMs);
    caller.begin('idle');
    await caller.steady(1_000 / idleGapMs, seconds * 1_000);
    await pause(settleMs);
    const entered = await askEntered(fleet);
    const { figures, peers } = caller.result(entered, seconds);
    const params = { agents, rate, seconds, ledgerWriteInside: false };
    return { params, figures: { ...figures, ...inHost }, peers };
  } finally {
    for (const child of children) child.kill('SIGTERM');
    await pause(settleMs / 2);
    rmSync(folder, { recursive: true, force: true });
  }
};

type Phase = 'warm' | 'loaded' | 'idle';

/** Sends tasks and echoes in turn, and remembers when each left. */
class Caller {
  readonly #hub: Socket;
  readonly #echo: Socket;
  #phase: Phase = 'warm';
  #calls = 0;
  readonly #taskSent = new Map<number, { readonly phase: Phase; readonly ns: bigint }>();
  readonly #echoSent = new Map<number, { readonly phase: Phase; readonly ns: bigint }>();
  readonly #callSent = new Map<number, { readonly phase: Phase; readonly ns: bigint }>();

  constructor(hub: Socket, echo: Socket) {
    this.#hub = hub;
    this.#echo = echo;
    hub.on('m', (message: FromHost) => {
      this.#answered(message);
    });
  }

  begin(phase: Phase): void {
    this.#phase = phase;
  }

  /** Open loop: a slow answer does not slow the sending down. */
  async steady(perS: number, forMs: number): Promise<void> {
    const startMs = performance.now();
    const total = Math.round((perS * forMs) / 1_000);
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) * perS) / 1_000) + 1);
      for (; sent < due; sent += 1) this.#sendBoth();
      await pause(1);
    }
  }

  /** The part inside the host, by its own count: from the turn that admits to the dispatch handed to the socket. */
  async hostDispatch(): Promise<Record<'inHostP50Ms' | 'inHostP99Ms', number>> {
    const frame = new Promise<OverviewFrame>((resolve) => {
      this.#hub.on('m', (message: FromHost) => {
        if ('push' in message && message.push === 'overview') resolve(message);
      });
    });
    this.#hub.emit('m', { id: 0, method: 'watchOverview', params: { on: true } });
    const { dispatchMs } = await frame;
    this.#hub.emit('m', { id: 0, method: 'watchOverview', params: { on: false } });
    return {
      inHostP50Ms: rounded(dispatchMs?.p50 ?? Number.NaN),
      inHostP99Ms: rounded(dispatchMs?.p99 ?? Number.NaN),
    };
  }

  /** Milliseconds from send to handler entry, and how many tasks of the loaded phase arrived per second. */
  result(entered: Entered, seconds: number): Pick<Measured, 'figures' | 'peers'> {
    const tasks = latencies(this.#taskSent, entered.task);
    const echoes = latencies(this.#echoSent, entered.echo);
    const ratio = quantile(tasks.loaded, 0.5) / quantile(echoes.loaded, 0.5);
    return {
      figures: {
        submitToStartP50Ms: rounded(quantile(tasks.loaded, 0.5)),
        submitToStartP99Ms: rounded(quantile(tasks.loaded, 0.99)),
        tasksPerS: rounded(tasks.loaded.length / seconds),
        idleP50Ms: rounded(quantile(tasks.idle, 0.5)),
        idleP99Ms: rounded(quantile(tasks.idle, 0.99)),
        p50ToEcho: rounded(ratio),
        samples: tasks.loaded.length,
      },
      peers: {
        echoP50Ms: rounded(quantile(echoes.loaded, 0.5)),
        echoP99Ms: rounded(quantile(echoes.loaded, 0.99)),
        echoIdleP50Ms: rounded(quantile(echoes.idle, 0.5)),
        echoIdleP99Ms: rounded(quantile(echoes.idle, 0.99)),
      },
    };
  }

  #sendBoth(): void {
    this.#calls += 1;
    const id = this.#calls;
    const specs = [{ work: { kind: 'simulated', runMs: 0 }, ask: { cpu: 10, memory: 8 } }];
    this.#callSent.set(id, { phase: this.#phase, ns: process.hrtime.bigint() });
    this.#hub.emit('m', { id, method: 'submitTasks', params: { specs } });
    this.#echoSent.set(id, { phase: this.#phase, ns: process.hrtime.bigint() });
    this.#echo.emit('echo', id);
  }

  #answered(message: FromHost): void {
    if (!('id' in message)) return;
    const sent = this.#callSent.get(message.id);
    if (!sent) return;
    this.#callSent.delete(message.id);
    if (!message.ok) throw new Error(`submit was refused: ${message.refusal.message}`);
    const [answer] = (message.result as { answers: SubmitAnswer[] }).answers;
    if (answer?.ok !== true) throw new Error(`task was refused: ${JSON.stringify(answer)}`);
    this.#taskSent.set(answer.taskId, sent);
  }
}

function latencies(
  sent: ReadonlyMap<number, { readonly phase: Phase; readonly ns: bigint }>,
  entered: readonly (readonly [number, string])[],
): Record<Phase, number[]> {
  const found: Record<Phase, number[]> = { warm: [], loaded: [], idle: [] };
  for (const [id, ns] of entered) {
    const from = sent.get(id);
    if (from) found[from.phase].push(Number(BigInt(ns) - from.ns) / 1e6);
  }
  return found;
}

const sockets = { transports: ['websocket'], forceNew: true };
const here = (file: string): string => join(import.meta.dirname, file);
const pause = (forMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, forMs));

async function startHub(folder: string, children: ChildProcess[]) {
  const { url } = await forkHost(folder, children);
  const secrets = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Record<string, string>;
  return {
    url,
    token: await enrolmentToken(url, folder),
    consoleToken: secrets['consoleToken'] ?? '',
  };
}

async function startEcho(children: ChildProcess[]): Promise<string> {
  const child = fork(here('echoHub.ts'));
  children.push(child);
  return ((await nextMessage(child)) as { url: string }).url;
}

async function startAgents(args: string[], children: ChildProcess[]): Promise<ChildProcess> {
  const child = fork(here('agents.ts'), args);
  children.push(child);
  await nextMessage(child);
  return child;
}

const nextMessage = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve, reject) => {
    child.once('message', resolve);
    child.once('exit', (code) => {
      reject(new Error(`${child.spawnargs.join(' ')} ended with ${String(code)}`));
    });
  });

async function askEntered(fleet: ChildProcess): Promise<Entered> {
  const answer = nextMessage(fleet);
  fleet.send('entered');
  return (await answer) as Entered;
}

const connectConsole = (hub: { readonly url: string; readonly consoleToken: string }): Promise<Socket> =>
  connect(
    io(`${hub.url}/console`, { ...sockets, auth: { wire: consoleWireVersion, token: hub.consoleToken } }),
  );

const connect = (socket: Socket): Promise<Socket> =>
  new Promise((resolve, reject) => {
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('connect_error', reject);
  });

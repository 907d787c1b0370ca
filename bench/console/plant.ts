// The real host with a real fleet joined to it, and a console connection that looks at both.
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { socketsMax } from '../../agent/fleet/fileLimit.ts';
import type { FromHost, Method, Results } from '../../scheduler/protocol/consoleWire.ts';
import type { Summary } from '../../scheduler/protocol/consoleAnswers.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';

const root = join(import.meta.dirname, '../..');
/** What the host keeps for itself of the open files that both processes may have. */
const hostReserve = 800;
const startMaxMs = 30_000;
const joinsPerS = 1_500;
const lookMs = 250;

export interface BenchPlant {
  readonly url: string;
  readonly token: string;
  readonly online: number;
  readonly nodes: number;
  /** Processes that are to be ended. */
  readonly processes: readonly ChildProcess[];
}
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

interface Secrets {
  /** By which agents come in. */
  readonly token: string;
  readonly consoleToken: string;
}

/**
 * More nodes than one process may have open files join in waves: each wave leaves before the next one comes, so that
 * the plant's structure and its frames have all of them, while only the last wave is online.
 */
export async function startPlant(
  folder: string,
  nodes: number,
  processes: ChildProcess[],
): Promise<BenchPlant> {
  const host = spawn(process.execPath, ['scheduler/host/entry.ts', '--data', folder, '--port', '0'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  processes.push(host);
  const url = await addressOf(host);
  const { consoleToken } = JSON.parse(readFileSync(join(folder, 'secrets.json'), 'utf8')) as Secrets;
  const secrets = { consoleToken, token: await enrolmentToken(url, folder) };
  const console = await connect(url, secrets.consoleToken);
  const waveMax = Math.max(1, socketsMax() - hostReserve);
  let joined = 0;
  while (joined < nodes) {
    const count = Math.min(waveMax, nodes - joined);
    const isLast = joined + count === nodes;
    const wave = startWave({ url, nodes, first: joined, count, secrets, isLast });
    processes.push(wave);
    await reached(console, (summary) => summary.nodes.online >= count, count);
    joined += count;
    if (isLast) break;
    wave.kill('SIGKILL');
    await reached(console, (summary) => summary.nodes.online === 0, count);
  }
  const { nodes: counted } = await ask(console, 'getSummary');
  console.close();
  return { url, token: secrets.consoleToken, online: counted.online, nodes: counted.total, processes };
}

interface Wave {
  readonly url: string;
  readonly nodes: number;
  readonly first: number;
  readonly count: number;
  readonly secrets: Secrets;
  /** The wave that stays also has work. */
  readonly isLast: boolean;
}
function startWave({ url, nodes, first, count, secrets, isLast }: Wave): ChildProcess {
  const numbers = { nodes, first, count, joins: joinsPerS };
  const words = Object.entries(numbers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const work = isLast ? ['--console-token', secrets.consoleToken] : [];
  return spawn(
    process.execPath,
    ['agent/fleet/main.ts', '--hub', url, '--token', secrets.token, ...words, ...work],
    { cwd: root, stdio: 'ignore' },
  );
}

function addressOf(host: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(() => {
      reject(new Error(`the host did not start within ${startMaxMs / 1_000} s: ${text}`));
    }, startMaxMs);
    host.stdout?.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const found = /agents join at (\S+)/.exec(text)?.[1];
      if (found === undefined) return;
      clearTimeout(timer);
      resolve(found);
    });
  });
}

function connect(url: string, token: string): Promise<Socket> {
  const socket = io(`${url}/console`, {
    auth: { wire: consoleWireVersion, token },
    transports: ['websocket'],
  });
  return new Promise((resolve, reject) => {
    socket.once('connect', () => {
      resolve(socket);
    });
    socket.once('connect_error', reject);
  });
}

let lastId = 0;
function ask<M extends Method>(socket: Socket, method: M): Promise<Results[M]> {
  const id = ++lastId;
  return new Promise((resolve) => {
    const take = (message: FromHost): void => {
      if (!('id' in message) || message.id !== id || !message.ok) return;
      socket.off('m', take);
      resolve(message.result as Results[M]);
    };
    socket.on('m', take);
    socket.emit('m', { id, method, params: {} });
  });
}

async function reached(
  socket: Socket,
  isReached: (summary: Summary) => boolean,
  nodes: number,
): Promise<void> {
  const untilMs = performance.now() + startMaxMs + (nodes / joinsPerS) * 4_000;
  for (;;) {
    const summary = await ask(socket, 'getSummary');
    if (isReached(summary)) return;
    if (performance.now() > untilMs)
      throw new Error(`the fleet stands still: ${String(summary.nodes.online)} of ${String(nodes)} online`);
    await pause(lookMs);
  }
}

// The plant of the silence bench: a real host, and real agents each behind a line of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { Door } from '../../test/torture/door.ts';
import { Line } from '../../test/torture/line.ts';
import { startHost } from '../failures/host.ts';
import { enrolmentToken } from '../../test/enrolmentToken.ts';

export interface SilentPlant {
  readonly agents: readonly { readonly name: string; readonly line: Line }[];
  readonly door: Door;
  readonly port: number;
  /** As the host said last, at most `pollMs` ago. */
  readonly stateOf: (name: string) => string | undefined;
  readonly signalHost: (signal: NodeJS.Signals) => void;
  readonly allOnline: () => Promise<void>;
  /** The monotonic time at which it holds; throws where it does not in time. */
  readonly until: (
    holds: () => boolean | Promise<boolean>,
    what: string,
    withinMs?: number,
  ) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** How exact the times are. */
const pollMs = 20;
const joinWithinMs = 60_000;

const root = join(import.meta.dirname, '../..');

export async function startPlant(folder: string, count: number): Promise<SilentPlant> {
  const data = join(folder, 'host');
  const host = await startHost(data);
  const token = await enrolmentToken(host.address, data);
  const door = new Door();
  door.leadTo(host.address, data);
  const port = Number(new URL(host.address).port);
  const agents: { name: string; line: Line; child: ChildProcess }[] = [];
  for (let at = 0; at < count; at += 1) {
    const name = `node-${at}`;
    const line = await Line.open();
    line.leadTo(port);
    agents.push({
      name,
      line,
      child: startAgent(line.address, name, join(folder, name), token),
    });
  }
  const states = new Map<string, string>();
  const polling = new Polling(async () => {
    const page = await door.nodes();
    for (const { nodeId, state } of page?.rows ?? []) states.set(nodeId, state);
  });
  const until = untilHolds;
  return {
    agents,
    door,
    port,
    until,
    stateOf: (name) => states.get(name),
    signalHost: (signal) => host.child.kill(signal),
    allOnline: async () => {
      const isOnline = (): boolean => agents.every(({ name }) => states.get(name) === 'online');
      await until(isOnline, 'all agents are online', joinWithinMs);
    },
    close: async () => {
      await polling.stop();
      for (const { child, line } of agents) {
        child.kill('SIGTERM');
        line.close();
      }
      host.child.kill('SIGKILL');
      await Promise.all(agents.map(({ child }) => gone(child)));
    },
  };
}

function startAgent(hub: string, name: string, data: string, token: string): ChildProcess {
  const capacity = ['--slots', '2', '--cpu', '64000', '--memory', '64000', '--stop-grace', '0'];
  return spawn(
    process.execPath,
    [join(root, 'agent/main.ts'), '--hub', hub, '--node', name, '--data', data, ...capacity],
    { env: { ...process.env, MILLRACE_ENROL_TOKEN: token }, stdio: 'ignore' },
  );
}

/** Asks again and again, one at a time. */
class Polling {
  #isOver = false;
  readonly #ended: Promise<void>;

  constructor(ask: () => Promise<void>) {
    this.#ended = this.#run(ask);
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#ended;
  }

  async #run(ask: () => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await ask();
      await pause(pollMs);
    }
  }
}

async function untilHolds(
  holds: () => boolean | Promise<boolean>,
  what: string,
  withinMs = joinWithinMs,
): Promise<number> {
  const endMs = performance.now() + withinMs;
  while (performance.now() < endMs) {
    if (await holds()) return performance.now();
    await pause(pollMs);
  }
  throw new Error(`not within ${withinMs} ms: ${what}`);
}

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else
      child.once('exit', () => {
        resolve();
      });
  });

export const pause = (forMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, forMs);
  });

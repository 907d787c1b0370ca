// The processes that hold the bench's agents: as many as the limit of open files asks for, each a part of the plant.
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import type { AgentsStart, Entry, FromAgents } from './agents.ts';

/** Sockets of one process, with room below the limit of 20,000 files that many systems set. */
const agentsPerProcess = 17_000;
const joinWithinMs = 600_000;

type Surroundings = Pick<AgentsStart, 'hub' | 'pin' | 'token' | 'echo'>;

export class Simulators {
  readonly #around: Surroundings;
  readonly #all: ChildProcess[];
  readonly #parts: ChildProcess[] = [];
  readonly #joined: number[] = [];
  readonly #joins: number[] = [];
  readonly #cpuS: number[] = [];
  #latestMs = 0;

  constructor(around: Surroundings, children: ChildProcess[]) {
    this.#around = around;
    this.#all = children;
  }

  get count(): number {
    return this.#parts.length;
  }
  get joined(): number {
    return sum(this.#joined);
  }
  /** Processor seconds of all simulators. */
  get cpuS(): number {
    return sum(this.#cpuS);
  }
  /** How late their timers ran at most, since the last call: above a few seconds agents miss their own heartbeats. */
  takeLatestMs(): number {
    const latestMs = this.#latestMs;
    this.#latestMs = 0;
    return latestMs;
  }
  /** Joins since the start: what is above the number of agents came back. */
  get joins(): number {
    return sum(this.#joins);
  }

  /** Seconds from the first try to the last agent that is joined. Throws where they do not all join. */
  async join(nodes: number, joinsPerS: number): Promise<number> {
    const joinS = await this.joinWithin(nodes, joinsPerS, joinWithinMs);
    if (this.joined < nodes) throw new Error(`only ${String(this.joined)} of ${String(nodes)} agents joined`);
    return joinS;
  }

  /** The same, but after `withinMs` it goes on with those that are joined. */
  async joinWithin(nodes: number, joinsPerS: number, withinMs: number): Promise<number> {
    const parts = Math.ceil(nodes / agentsPerProcess);
    const startMs = performance.now();
    for (let part = 0; part < parts; part += 1) {
      const first = Math.floor((nodes * part) / parts);
      const count = Math.floor((nodes * (part + 1)) / parts) - first;
      this.#start(part, { ...this.#around, first, count, joinsPerS: joinsPerS / parts });
    }
    while (this.joined < nodes && performance.now() - startMs < withinMs)
      await new Promise((resolve) => setTimeout(resolve, 50));
    return Math.round(performance.now() - startMs) / 1_000;
  }

  /** What was entered since the last call. */
  async takeEntered(): Promise<{ readonly tasks: Entry[]; readonly echoes: Entry[] }> {
    const all = await Promise.all(
      this.#parts.map(
        (part) =>
          new Promise<Extract<FromAgents, { kind: 'entered' }>>((resolve) => {
            const take = (message: FromAgents): void => {
              if (message.kind !== 'entered') return;
              part.off('message', take);
              resolve(message);
            };
            part.on('message', take);
            part.send('entered');
          }),
      ),
    );
    return { tasks: all.flatMap(({ tasks }) => tasks), echoes: all.flatMap(({ echoes }) => echoes) };
  }

  #start(part: number, start: AgentsStart): void {
    const child = fork(join(import.meta.dirname, 'agents.ts'), [JSON.stringify(start)], {
      execArgv: ['--max-semi-space-size=16'],
    });
    this.#all.push(child);
    this.#parts.push(child);
    child.on('message', (message: FromAgents) => {
      if (message.kind !== 'joined') return;
      this.#joined[part] = message.joined;
      this.#joins[part] = message.joins;
      this.#cpuS[part] = message.cpuS;
      this.#latestMs = Math.max(this.#latestMs, message.lateMs);
    });
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((all, one) => all + one, 0);

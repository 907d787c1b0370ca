// Plays a log of rigid parallel jobs: the log owns the clock and the true run times, and each start is checked. The two
// schedules that others are measured by, EASY with and without the shortest first among those that pass, are peers.
import { readFileSync } from 'node:fs';

/** Seconds and processors. `runS` is not told to who schedules. */
export interface Job {
  readonly id: number;
  readonly submitS: number;
  readonly runS: number;
  readonly procs: number;
  readonly reqS: number;
  /** The program that it runs; -1: not told. */
  readonly app: number;
}
export interface Scheduler {
  readonly submit: (job: Job) => void;
  readonly end: (id: number) => void;
  readonly schedule: (second: number, free: number) => readonly number[];
}
export interface Quality {
  /** Of what the machine could have done between the first and the last submit. */
  readonly utilization: number;
  readonly slowdown: number;
  readonly longestWaitS: number;
  readonly schedules: number;
}

/** Fields of the standard workload format. */
const field = { id: 0, submit: 1, run: 3, used: 4, asked: 7, expected: 8, app: 13 } as const;
const shortestS = 10;

/** Jobs that ran. Throws where the file cannot be read. */
export function readLog(path: string): { readonly jobs: readonly Job[]; readonly procs: number } {
  const lines = readFileSync(path, 'latin1').split('\n');
  const size = lines.map((line) => /^;\s*Max(?:Procs|Nodes):\s*(\d+)/.exec(line)?.[1]).find(Boolean);
  const procs = Number(size);
  const jobs: Job[] = [];
  for (const line of lines) {
    if (line.trim() === '' || line.startsWith(';')) continue;
    const values = line.trim().split(/\s+/).map(Number);
    const of = (name: keyof typeof field): number => values[field[name]] ?? -1;
    const wanted = of('asked') > 0 ? of('asked') : of('used');
    if (wanted <= 0 || wanted > procs || of('run') <= 0) continue;
    const reqS = Math.max(of('expected'), of('run'));
    const [submitS, runS] = [of('submit'), of('run')];
    jobs.push({ id: of('id'), submitS, runS, procs: wanted, reqS, app: of('app') });
  }
  return { jobs: jobs.sort((a, b) => a.submitS - b.submitS), procs };
}

export function play(jobs: readonly Job[], procs: number, scheduler: Scheduler): Quality {
  const waiting = new Map<number, Job>();
  const running = new Map<number, { readonly job: Job; readonly endS: number }>();
  const startS = new Map<number, number>();
  let free = procs;
  let next = 0;
  let schedules = 0;
  const start = (id: number, second: number): void => {
    const job = waiting.get(id);
    if (!job || job.procs > free) throw new Error(`job ${String(id)} cannot start at ${String(second)}`);
    waiting.delete(id);
    free -= job.procs;
    startS.set(id, second);
    running.set(id, { job, endS: second + job.runS });
  };
  while (next < jobs.length || running.size > 0) {
    let second = jobs[next]?.submitS ?? Number.POSITIVE_INFINITY;
    for (const { endS } of running.values()) second = Math.min(second, endS);
    for (const { job, endS } of [...running.values()]) {
      if (endS > second) continue;
      running.delete(job.id);
      free += job.procs;
      scheduler.end(job.id);
    }
    for (let job = jobs[next]; job && job.submitS <= second; job = jobs[next]) {
      next += 1;
      waiting.set(job.id, job);
      scheduler.submit(job);
    }
    for (const id of scheduler.schedule(second, free)) start(id, second);
    schedules += 1;
  }
  if (waiting.size > 0) throw new Error(`${String(waiting.size)} jobs never started`);
  return { ...qualityOf(jobs, procs, startS), schedules };
}

function qualityOf(
  jobs: readonly Job[],
  procs: number,
  startS: ReadonlyMap<number, number>,
): Omit<Quality, 'schedules'> {
  const firstS = jobs[0]?.submitS ?? 0;
  const lastS = jobs.at(-1)?.submitS ?? 0;
  let slowdown = 0;
  let longestWaitS = 0;
  let work = 0;
  for (const { id, submitS, runS, procs: wanted } of jobs) {
    const began = startS.get(id) ?? Number.NaN;
    slowdown += Math.max(1, (began - submitS + runS) / Math.max(shortestS, runS)) / jobs.length;
    longestWaitS = Math.max(longestWaitS, began - submitS);
    work += wanted * Math.max(0, Math.min(began + runS, lastS) - began);
  }
  return { utilization: work / (procs * (lastS - firstS)), slowdown, longestWaitS };
}

/** EASY: in order of arrival, and others pass where the first is not delayed, as they came or the shortest first. */
export class Easy implements Scheduler {
  readonly #isShortestFirst: boolean;
  #waiting: Job[] = [];
  readonly #running = new Map<number, { readonly procs: number; readonly endS: number }>();

  constructor(isShortestFirst: boolean) {
    this.#isShortestFirst = isShortestFirst;
  }
  submit(job: Job): void {
    this.#waiting.push(job);
  }
  end(id: number): void {
    this.#running.delete(id);
  }
  schedule(second: number, free: number): readonly number[] {
    const started = new Set<Job>();
    let left = free;
    const start = (job: Job): void => {
      started.add(job);
      left -= job.procs;
      this.#running.set(job.id, { procs: job.procs, endS: second + job.reqS });
    };
    for (const job of this.#waiting) {
      if (job.procs > left) break;
      start(job);
    }
    const [head, ...others] = this.#waiting.filter((job) => !started.has(job));
    if (head && left > 0) {
      const { shadowS, extra: beside } = this.#shadowOf(head, second, left);
      let extra = beside;
      if (this.#isShortestFirst) others.sort((a, b) => a.reqS - b.reqS);
      for (const job of others) {
        const isShort = second + job.reqS <= shadowS;
        if (job.procs > left || (!isShort && job.procs > extra)) continue;
        if (!isShort) extra -= job.procs;
        start(job);
      }
    }
    this.#waiting = this.#waiting.filter((job) => !started.has(job));
    return [...started].map(({ id }) => id);
  }

  #shadowOf(head: Job, second: number, left: number): { shadowS: number; extra: number } {
    let free = left;
    let shadowS = Number.NEGATIVE_INFINITY;
    for (const { procs, endS } of [...this.#running.values()].sort((a, b) => a.endS - b.endS)) {
      if (free >= head.procs && endS > shadowS) break;
      free += procs;
      shadowS = Math.max(second, endS);
    }
    return { shadowS, extra: free - head.procs };
  }
}

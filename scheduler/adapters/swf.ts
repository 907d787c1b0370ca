// Rigid parallel jobs on one machine, as the measurements with the standard workload format ask for them: a job is a
// task that needs so many of the machine's cores and is expected to run as long as its user said.
import * as v from 'valibot';
import { cpuMillicoresMax, slotsMax } from '../protocol/limits.ts';
import { Replay, type ReplaySettings } from './replay.ts';

const whole = v.pipe(v.number(), v.integer(), v.minValue(0));
const seconds = v.pipe(v.number(), v.minValue(0));
/** A number of the log; -1 where it is not known. */
const mark = v.optional(v.number(), -1);
const jobSchema = v.object({
  id: whole,
  procs: v.pipe(whole, v.minValue(1)),
  reqTime: seconds,
  user: mark,
  exe: mark,
});
const messageSchema = v.variant('type', [
  v.object({ type: v.literal('init'), procs: v.pipe(whole, v.minValue(1), v.maxValue(cpuMillicoresMax)) }),
  v.object({ type: v.literal('submit'), t: seconds, job: jobSchema }),
  v.object({ type: v.literal('end'), t: seconds, id: whole }),
  v.object({ type: v.literal('schedule'), t: seconds, free: whole }),
]);

/** Times in seconds. */
export type SwfJob = v.InferOutput<typeof jobSchema>;
export interface SwfAnswer {
  readonly start: readonly number[];
}

/** Answers of one run, line by line. Throws on a message that is not of the format, or before `init`. */
export function swfAnswers(settings: ReplaySettings): (line: string) => SwfAnswer | undefined {
  let machine: SwfMachine | undefined;
  return (line) => {
    const message = v.parse(messageSchema, JSON.parse(line));
    if (message.type === 'init') machine = new SwfMachine(message.procs, settings);
    else if (!machine) throw new Error(`${message.type} came before init`);
    else if (message.type === 'submit') machine.submit(message.job);
    else if (message.type === 'end') machine.end(message.id);
    else return { start: machine.schedule(message.t, message.free) };
    return undefined;
  };
}

export class SwfMachine {
  readonly #replay: Replay;
  /** One core each, less where the machine has more processors than a node may have cores. */
  readonly #millicores: number;
  readonly #procs = new Map<number, number>();

  constructor(procs: number, settings: ReplaySettings) {
    this.#millicores = Math.min(1_000, Math.floor(cpuMillicoresMax / procs));
    const resources = { cpu: procs * this.#millicores, memory: 1, slots: slotsMax };
    this.#replay = new Replay([{ name: 'machine', resources }], settings);
  }

  /** Placements so far. */
  get placements(): number {
    return this.#replay.placements;
  }

  submit({ id, procs, reqTime, user, exe }: SwfJob): void {
    this.#procs.set(id, procs);
    const name = user < 0 && exe < 0 ? '' : `${letters(user)}-${letters(exe)}`;
    this.#replay.submit({ id, name, ask: { cpu: procs * this.#millicores, memory: 0 }, expectedS: reqTime });
  }
  end(id: number): void {
    this.#procs.delete(id);
    this.#replay.end(id);
  }
  /** Ids of the jobs that start at this second. `free` processors are checked against the core's own count. */
  schedule(second: number, free: number): readonly number[] {
    const started = this.#replay.decide(second).map(({ id }) => id);
    const taken = started.reduce((sum, id) => sum + (this.#procs.get(id) ?? 0), 0);
    const left = this.#replay.cpuFree / this.#millicores;
    if (left !== free - taken)
      throw new Error(
        `at ${String(second)}: ${String(free - taken)} processors should be free, not ${String(left)}`,
      );
    return started;
  }
}

/** A number in letters: digits of a name do not tell one kind of task from another. */
const letters = (mark: number): string =>
  String(mark).replaceAll(/[0-9-]/g, (digit) => (digit === '-' ? 'z' : 'abcdefghij'.charAt(Number(digit))));

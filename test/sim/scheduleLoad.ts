// Schedules in the load of some seeds, and the host's clock that tells of their due times: it forgets with the host, sees
// its wall clock jump, and tells of some due times twice.
import { type Random, seededRandom } from '../../scheduler/core/ports.ts';
import type { Schedule } from '../../scheduler/core/state/scheduleTable.ts';
import { ms, queueName } from '../../scheduler/protocol/brands.ts';
import { misfires, overlaps, type ScheduleSpec } from '../../scheduler/protocol/schedule.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import type { FakeHost } from './fakeHost.ts';
import type { Plan } from './plan.ts';
import type { World } from './world.ts';

/** In one seed of so many: the others stay as quiet as they were. */
const seedsPerLoad = 3;
const lookEveryMs = 1_000;
const actor = 'sim';

export class ScheduleLoad {
  readonly #world: World;
  readonly #host: FakeHost;
  /** Of its own, so that seeds are the same with it and without. */
  readonly #random: Random;
  readonly #specs: ReadonlyMap<string, ScheduleSpec>;
  #isEnding = false;

  constructor(seed: number, { world, host, plan }: { world: World; host: FakeHost; plan: Plan }) {
    this.#world = world;
    this.#host = host;
    this.#random = seededRandom(seed);
    const count = seed % seedsPerLoad === 0 ? 1 + this.#whole(3) : 0;
    this.#specs = new Map(
      Array.from({ length: count }, (_, at) => [`schedule-${String(at)}`, this.#specOf(plan)]),
    );
    if (count > 0) this.#look();
  }

  /** True once every schedule has told all that was due, and is gone. */
  get isQuiet(): boolean {
    return this.#specs.size === 0 || (this.#isEnding && this.#host.core?.state.schedules.size === 0);
  }
  end(): void {
    this.#isEnding = true;
  }

  #whole(below: number): number {
    return Math.floor(this.#random.next() * below);
  }
  #specOf({ specs }: Plan): ScheduleSpec {
    const task = specs[this.#whole(specs.length)] ?? fail();
    return {
      everyMs: 1_000 * (3 + this.#whole(20)),
      timeZone: 'UTC',
      task: plainTask(task),
      misfire: misfires[this.#whole(misfires.length)] ?? fail(),
      misfireMax: 1 + this.#whole(8),
      overlap: overlaps[this.#whole(overlaps.length)] ?? fail(),
      isPaused: false,
    };
  }

  #look(): void {
    this.#world.after(lookEveryMs, () => {
      const core = this.#host.core;
      for (const [scheduleId, spec] of this.#specs) {
        if (!core) break;
        const schedule = core.state.schedules.get(scheduleId);
        if (schedule) this.#tell(schedule);
        else if (!this.#isEnding) this.#put(scheduleId, spec);
      }
      if (!this.isQuiet) this.#look();
    });
  }

  /** New, or what the journal lost. */
  #put(scheduleId: string, spec: ScheduleSpec): void {
    const atMs = ms(Math.floor(this.#world.wallMs));
    this.#host.execute({ kind: 'PutSchedule', scheduleId, spec, atMs, actor }, () => undefined);
  }

  #tell({ scheduleId, spec, lastDueMs }: Schedule): void {
    const { everyMs = 1, misfireMax } = spec;
    const nowMs = Math.floor(this.#world.wallMs);
    const last = Math.floor(lastDueMs / everyMs);
    const newest = Math.floor(nowMs / everyMs);
    if (newest <= last) {
      if (this.#isEnding) this.#host.execute({ kind: 'RemoveSchedule', scheduleId, actor }, () => undefined);
      return;
    }
    // A host that has just started may tell again of what is decided.
    const from = Math.max(last - this.#whole(3), newest - misfireMax);
    const dueMs = Array.from({ length: newest - from }, (_, at) => ms((from + 1 + at) * everyMs));
    const missed =
      from > last ? { missed: { count: from - last, dueMs: ms(from * everyMs), afterMs: lastDueMs } } : {};
    const command = { kind: 'ScheduleDue', scheduleId, dueMs, ...missed, atMs: ms(nowMs) } as const;
    this.#host.execute(command, () => undefined);
  }
}

/** What a schedule's task cannot have, and forms that come with a load of their own. */
const left: readonly string[] = ['key', 'notBeforeMs', 'deadlineMs', 'array', 'gang'];
/** In a queue that is always there. */
function plainTask(task: TaskSpec): TaskSpec {
  const plain = Object.entries({ ...task, queue: queueName('default') }).filter(
    ([name]) => !left.includes(name),
  );
  return Object.fromEntries(plain) as TaskSpec;
}

function fail(): never {
  throw new Error('nothing to pick from');
}

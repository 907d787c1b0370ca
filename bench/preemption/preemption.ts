// How fast it is decided what to stop for an urgent task in a plant that is full of tasks which may be stopped: whole
// turns of the core, from the submit to the requests to stop; and as a peer a scan over all nodes, in the same run.
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { preemptionsPerMinuteMax } from '../../scheduler/protocol/limits.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import { type Bench, type Measured, quantile, rounded, wholeOption } from '../bench.ts';
import { NaivePreemption } from './naive.ts';
import { PreemptionPlant, taskOf } from './plant.ts';

/** The clock jumps so far between two decisions: the budget of a minute is never what they wait for. */
const minuteMs = 60_000;
const warmUps = 50;
/** The naive scan takes so long that fewer of them tell enough. */
const naiveEvery = 10;

/** One, two and three attempts to stop; of one line; of one kind of node. */
const urgentSpecs = (): TaskSpec[] =>
  [
    { ask: { cpu: 1_000, memory: 256 } },
    { ask: { cpu: 2_000, memory: 256 } },
    { ask: { cpu: 3_000, memory: 256 } },
    { ask: { cpu: 1_000, memory: 256 }, selector: { line: ['L7', 'L31'] } },
    { ask: { cpu: 2_000, memory: 1_024 }, selector: { class: ['vision'] } },
  ].map((input) => taskOf({ ...input, queue: 'urgent', priority: 8 }));

/** Options: `nodes` (50,000), `decisions` (1,000). */
export const preemption: Bench = (options): Promise<Measured> => {
  const nodes = wholeOption(options, 'nodes', 50_000);
  const decisions = wholeOption(options, 'decisions', 1_000);
  const plant = new PreemptionPlant(nodes);
  const naive = new NaivePreemption(plant.core.state);
  const filled = plant.running;
  const load = new Load(plant, naive);
  load.run(warmUps);
  load.clear();
  load.run(decisions);
  const { tookUs, naiveUs } = load;
  const sum = (samples: readonly number[]): number => samples.reduce((all, sample) => all + sample, 0);
  const burst = load.burst();
  return Promise.resolve({
    params: { nodes, decisions, running: filled, source: 'turns of the core, one urgent task each' },
    figures: {
      decisionP50Us: rounded(quantile(tookUs, 0.5)),
      decisionP99Us: rounded(quantile(tookUs, 0.99)),
      preemptionsPerS: Math.round((load.stopped * 1e6) / sum(tookUs)),
      stopped: load.stopped,
      withoutRoom: load.failures,
      burstPreemptions: burst.stopped,
      burstMs: rounded(burst.tookMs),
      burstTurnMaxMs: rounded(burst.turnMaxMs),
      rssMiB: Math.round(process.memoryUsage.rss() / 1_048_576),
    },
    peers: {
      naiveP50Us: rounded(quantile(naiveUs, 0.5)),
      naiveP99Us: rounded(quantile(naiveUs, 0.99)),
      naiveDecisions: naiveUs.length,
      p50ToNaive: rounded(quantile(naiveUs, 0.5) / quantile(tookUs, 0.5)),
      /** Decisions in which the scan over all nodes found fewer attempts to stop. */
      moreStoppedThanNaive: load.dearer,
      /** Mean priority of what was stopped in the decisions that were compared. */
      priorityMean: rounded(load.priorities.core / load.compared),
      naivePriorityMean: rounded(load.priorities.naive / load.compared),
    },
  });
};

class Load {
  tookUs: number[] = [];
  naiveUs: number[] = [];
  stopped = 0;
  failures = 0;
  dearer = 0;
  compared = 0;
  priorities = { core: 0, naive: 0 };
  readonly #plant: PreemptionPlant;
  readonly #naive: NaivePreemption;
  readonly #specs = urgentSpecs();

  constructor(plant: PreemptionPlant, naive: NaivePreemption) {
    this.#plant = plant;
    this.#naive = naive;
  }

  clear(): void {
    [this.tookUs, this.naiveUs] = [[], []];
    this.stopped = this.failures = this.dearer = this.compared = 0;
    this.priorities = { core: 0, naive: 0 };
  }

  run(decisions: number): void {
    for (let at = 0; at < decisions; at += 1) {
      const spec = this.#specs[at % this.#specs.length];
      if (spec) this.#decide(spec, at % naiveEvery === 0);
    }
  }

  /** As many as may be stopped in a minute, asked for at once. */
  burst(): { readonly stopped: number; readonly tookMs: number; readonly turnMaxMs: number } {
    const plant = this.#plant;
    plant.turn([], 2 * minuteMs);
    const spec = this.#specs[0];
    const specs = Array.from({ length: preemptionsPerMinuteMax }, () => spec).filter(
      (one) => one !== undefined,
    );
    const beganMs = performance.now();
    let turnMaxMs = 0;
    let commands = [plant.submit(specs)];
    for (let hasMore = true; hasMore;) {
      const startMs = performance.now();
      ({ hasMore } = plant.turn(commands));
      turnMaxMs = Math.max(turnMaxMs, performance.now() - startMs);
      commands = [];
    }
    const tookMs = performance.now() - beganMs;
    return { stopped: plant.core.state.preemption.nominations.size, tookMs, turnMaxMs };
  }

  /** Until the requests to stop are out; then the urgent task runs and ends, and the stopped ones come back. */
  #decide(spec: TaskSpec, isCompared: boolean): void {
    const plant = this.#plant;
    const { victims, by } = this.#stopFor(spec);
    if (by === undefined) {
      this.failures += 1;
      return;
    }
    this.stopped += victims.length;
    if (isCompared) this.#compare(spec, victims);
    for (const victim of victims) plant.turn([plant.end(victim, true)]);
    plant.turn([plant.end(plant.mustGet(by), false)]);
    plant.rest();
    plant.startAll(victims);
    for (const { taskId } of victims) this.#naive.restarted(taskId, plant.nowMs);
  }

  #stopFor(spec: TaskSpec): { readonly victims: readonly Task[]; readonly by: TaskId | undefined } {
    const plant = this.#plant;
    const events: Event[] = [];
    const startMs = performance.now();
    let turned = plant.turn([plant.submit([spec])], minuteMs / 100);
    events.push(...(turned.batch?.events ?? []));
    while (turned.hasMore) {
      turned = plant.turn([]);
      events.push(...(turned.batch?.events ?? []));
    }
    this.tookUs.push((performance.now() - startMs) * 1_000);
    const requests = events.flatMap((event) => (event.kind === 'attempt_preempt_requested' ? [event] : []));
    const victims = requests.flatMap(({ token }) => plant.core.state.tasks.byToken(token) ?? []);
    return { victims, by: requests[0]?.by };
  }

  #compare(spec: TaskSpec, victims: readonly Task[]): void {
    const startMs = performance.now();
    const choice = this.#naive.choose(spec, this.#plant.nowMs);
    this.naiveUs.push((performance.now() - startMs) * 1_000);
    if (!choice) return;
    this.compared += victims.length;
    if (victims.length > choice.count) this.dearer += 1;
    this.priorities.core += victims.reduce((sum, victim) => sum + victim.spec.priority, 0);
    this.priorities.naive += choice.priorities;
  }
}

// One run of a span of load through the real core, without a clock: time goes from one thing that happens to the next.
import { Core } from '../../core/cycle.ts';
import type { Effect } from '../../core/effects.ts';
import { policies } from '../../core/place/policy.ts';
import type { NodeId, TaskId, Token } from '../../protocol/brands.ts';
import type { Command } from '../../protocol/events.ts';
import { rowState } from '../../protocol/fleetColumns.ts';
import { refusal, Refused } from '../../protocol/outcome.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { SchedulerView } from '../../protocol/view.ts';
import type { WhatIfChange, WhatIfOutcome } from '../../protocol/whatIf.ts';
import { Agents } from './agents.ts';
import { Changes } from './changes.ts';
import type { Arrival, Load } from './load.ts';
import { liveRows, Tally } from './tally.ts';

/** The engine ticks this often where nothing else happens. */
const tickMs = 500;
/** After the span nobody submits, and long waits are passed in larger steps. */
const drainTickMs = 10_000;
const drainMaxMs = 24 * 3_600_000;
/** How often the use of the plant is looked at. */
const sampleEveryMs = 10_000;
/** Turns between two looks at whether somebody wants to stop. */
const turnsPerStep = 200;
const never = 10 * 365 * 24 * 3_600_000;
/** No lease ends by itself: silence of nodes comes from the record. */
const timing: Timing = {
  heartbeatMs: never,
  nodeLeaseMs: never,
  attemptLeaseMs: never,
  rejoinWindowMs: 1,
  stallMs: never,
  preemptAfterMs: 1,
};

export interface RunParts {
  /** The state that the load meets, as a snapshot has it. */
  readonly snapshot: readonly string[];
  readonly load: Load;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly changes: readonly WhatIfChange[];
  /** True: the load was recorded from this very state, so attempts under way end when they really did. */
  readonly isOwnLoad: boolean;
}

/** Where in a turn's commands tasks are submitted, by their recorded ids. */
interface Submit {
  readonly at: number;
  readonly tasks: readonly TaskId[];
  readonly members: number;
}

export class Run {
  readonly #parts: RunParts;
  readonly #core: Core;
  readonly #view: SchedulerView;
  readonly #changes = new Changes();
  readonly #tally = new Tally();
  readonly #agents: Agents;
  /** The next of the load's arrivals. */
  #next = 0;
  #nowMs: number;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#core = Core.restored(parts.snapshot, { timing, policy: policyOf(parts.changes) });
    this.#view = this.#core.view();
    this.#agents = new Agents(parts.load, this.#view, this.#tally);
    this.#nowMs = parts.fromMs;
  }

  /** Gives how much of the span is done, from 0 to 1, every few ms. */
  *go(): Generator<number, WhatIfOutcome> {
    const { fromMs, untilMs } = this.#parts;
    const startedMs = performance.now();
    this.#begin();
    let sampleMs = fromMs;
    for (const nowMs of this.#steps(untilMs, tickMs)) {
      for (; nowMs >= sampleMs; sampleMs += sampleEveryMs) this.#tally.sample(this.#view);
      yield (nowMs - fromMs) / (untilMs - fromMs);
    }
    this.#agents.isOver = true;
    const timesRealTime = Math.round((untilMs - fromMs) / Math.max(0.001, performance.now() - startedMs));
    const outcome = this.#tally.outcome(this.#view, untilMs);
    const digest = this.#core.digest();
    const drainedAfterMs = yield* this.#drain(untilMs);
    return { ...outcome, ...(drainedAfterMs !== undefined && { drainedAfterMs }), digest, timesRealTime };
  }

  /** Nodes that were online are online, what ran on them runs, and the changes are made. */
  #begin(): void {
    const held = new Map<NodeId, Token[]>();
    for (const { taskId } of liveRows(this.#view)) {
      const record = this.#view.task(taskId);
      const attempt = record?.attempts.at(-1);
      if (!record || !attempt || attempt.end) continue;
      const { token, nodeId } = this.#agents.adopt(record, this.#nowMs, this.#parts.isOwnLoad);
      const there = held.get(nodeId);
      if (there) there.push(token);
      else held.set(nodeId, [token]);
    }
    this.#turn([{ kind: 'StartEpoch', seed: 1 }, ...this.#joins(held)]);
    const { evicted, commands } = this.#changes.prepare(this.#parts.changes, this.#view);
    // Closed before they are emptied, or what they lose would come back to them.
    const isCordon = ({ kind }: Command): boolean => kind === 'SetCordon';
    this.#turn([
      ...commands.filter(isCordon),
      ...evicted.flatMap((id) => this.#agents.lose(id)),
      ...commands.filter((command) => !isCordon(command)),
    ]);
  }

  #joins(held: ReadonlyMap<NodeId, readonly Token[]>): readonly Command[] {
    const { rows, ids, specs, state } = this.#view.fleetColumns();
    const joins: Command[] = [];
    for (let row = 0; row < rows; row += 1) {
      const nodeId = ids[row];
      const spec = specs[row];
      if (nodeId === undefined || !spec || state[row] !== rowState.online) continue;
      joins.push({ kind: 'JoinNode', nodeId, spec, held: running(held.get(nodeId) ?? []) });
    }
    return joins;
  }

  /** Takes the turns up to a time, and gives the time of some of them. */
  *#steps(untilMs: number, everyMs: number): Generator<number> {
    for (let turns = 1; ; turns += 1) {
      const nextMs = this.#nextMs(everyMs);
      if (nextMs > untilMs) return;
      this.#nowMs = nextMs;
      const commands: Command[] = [];
      const submits: Submit[] = [];
      while (this.#arrivalMs() <= nextMs) {
        const arrival = this.#parts.load.arrivals[this.#next];
        this.#next += 1;
        if (!arrival) break;
        const { command, tasks, members = 0 } = arrival;
        if (command.kind === 'SubmitTasks' || command.kind === 'SubmitWorkflow')
          submits.push({ at: commands.length, tasks, members });
        commands.push(...this.#commandsOf(arrival));
      }
      commands.push(...this.#agents.reports(nextMs));
      this.#turn(commands, submits);
      if (turns % turnsPerStep === 0) yield nextMs;
    }
  }

  /** When the next thing happens. A timer that is still due has had its turn and gets another one a moment later. */
  #nextMs(everyMs: number): number {
    const reportMs = Math.min(this.#arrivalMs(), this.#agents.nextMs);
    const timerMs = Math.max(this.#nowMs + 1, this.#core.nextDueMs() ?? Number.POSITIVE_INFINITY);
    return Math.max(this.#nowMs, Math.min(reportMs, timerMs, this.#nowMs + everyMs));
  }

  #arrivalMs(): number {
    if (this.#agents.isOver) return Number.POSITIVE_INFINITY;
    return this.#parts.load.arrivals[this.#next]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  *#drain(untilMs: number): Generator<number, number | undefined> {
    const endMs = untilMs + drainMaxMs;
    while (this.#liveTasks() > 0) {
      const isStuck = this.#agents.nextMs > endMs && (this.#core.nextDueMs() ?? endMs + 1) > endMs;
      if (isStuck || this.#nowMs >= endMs) return undefined;
      yield* mapTo(1, this.#steps(Math.min(endMs, this.#nowMs + drainTickMs), drainTickMs));
      yield 1;
    }
    return Math.max(0, this.#nowMs - untilMs);
  }

  #liveTasks(): number {
    return Object.values(this.#view.taskCounts() as unknown as Record<string, number>).reduce(
      (a, b) => a + b,
    );
  }

  #commandsOf({ command, tasks, losesNode }: Arrival): readonly Command[] {
    const changed = this.#changes.over(command);
    if (!changed) return [];
    if (changed.kind === 'JoinNode')
      return [{ ...changed, held: running(this.#agents.tokensOn(changed.nodeId)) }];
    if (changed.kind === 'DisconnectNode')
      return losesNode ? [...this.#agents.lose(changed.nodeId), changed] : [changed];
    if (changed.kind === 'ForgetNode')
      return [
        { kind: 'DisconnectNode', nodeId: changed.nodeId },
        ...this.#agents.lose(changed.nodeId),
        changed,
      ];
    if (changed.kind !== 'CancelTask') return [changed];
    return [{ ...changed, taskId: this.#agents.idHere(tasks[0] ?? changed.taskId) }];
  }

  #turn(commands: readonly Command[], submits: readonly Submit[] = []): void {
    let given = commands;
    for (let hasMore = true; hasMore; given = []) {
      const result = this.#core.turn(this.#nowMs, given);
      if (given === commands)
        for (const { at, tasks, members } of submits) {
          const outcome = result.answers[at];
          this.#agents.submitted(tasks, members, outcome?.ok ? (outcome.value.answers ?? []) : []);
        }
      for (const effect of result.effects) this.#take(effect);
      hasMore = result.hasMore;
    }
  }

  #take(effect: Effect): void {
    if (effect.kind === 'task_ended' && !this.#agents.isOver) this.#tally.ended(effect.record);
    if (effect.kind === 'stop') this.#agents.stop(effect.token, this.#nowMs);
    if (effect.kind === 'dispatch') this.#agents.take(effect, this.#nowMs);
  }
}

function* mapTo(value: number, steps: Iterable<number>): Generator<number> {
  for (const step of steps) if (Number.isFinite(step)) yield value;
}

const running = (tokens: readonly Token[]) => tokens.map((token) => ({ token, state: 'running' }) as const);

/** Throws `Refused` for a policy that exists only by name. */
function policyOf(changes: readonly WhatIfChange[]) {
  const name = changes.findLast((change) => change.kind === 'policy')?.policy;
  if (name === undefined) return undefined;
  const policy = Object.entries(policies).find(([known]) => known === name)?.[1];
  if (policy) return policy;
  throw new Refused(refusal('bad_message', `the plant has no policy ${name}`, { field: 'changes' }));
}

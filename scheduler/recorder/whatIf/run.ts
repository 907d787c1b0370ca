// One run of a span of load through the real core, without a clock: time goes from one thing that happens to the next.
// Agents are replaced by what the record says of each attempt.
import { Core } from '../../core/cycle.ts';
import type { Effect } from '../../core/effects.ts';
import { policies } from '../../core/place/policy.ts';
import type { AttemptEnd } from '../../protocol/attempt.ts';
import { type NodeId, type TaskId, taskId, type Token } from '../../protocol/brands.ts';
import type { Command } from '../../protocol/events.ts';
import { rowState } from '../../protocol/fleetColumns.ts';
import { refusal, Refused } from '../../protocol/outcome.ts';
import type { TaskSpec } from '../../protocol/task.ts';
import type { Timing } from '../../protocol/timing.ts';
import type { SchedulerView } from '../../protocol/view.ts';
import type { WhatIfChange, WhatIfOutcome } from '../../protocol/whatIf.ts';
import { Agenda } from './agenda.ts';
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
/** A stop of an attempt is answered after this. */
const stopMs = 100;
/** For work of which nothing is known. */
const runMsDefault = 60_000;
const never = 10 * 365 * 24 * 3_600_000;
/** No lease ends by itself: silence of nodes comes from the record. */
const timing: Timing = {
  heartbeatMs: never,
  nodeLeaseMs: never,
  attemptLeaseMs: never,
  rejoinWindowMs: 1,
  stallMs: never,
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

interface Live {
  readonly taskId: TaskId;
  readonly nodeId: NodeId;
}
interface End {
  readonly token: Token;
  readonly end: AttemptEnd;
  /** It ends by itself: the task's next recorded run is for the next such attempt. */
  readonly isOwn: boolean;
}

export class Run {
  readonly #parts: RunParts;
  readonly #core: Core;
  readonly #view: SchedulerView;
  readonly #changes = new Changes();
  readonly #tally = new Tally();
  readonly #starts = new Agenda<Token>();
  readonly #ends = new Agenda<End>();
  readonly #live = new Map<Token, Live>();
  /** Recorded ids of tasks that have another one here, and the other way round. */
  readonly #recorded = new Map<TaskId, TaskId>();
  readonly #here = new Map<TaskId, TaskId>();
  /** Recorded runs that were used up, by recorded id. */
  readonly #used = new Map<TaskId, number>();
  #nowMs: number;
  #isOver = false;

  constructor(parts: RunParts) {
    this.#parts = parts;
    this.#core = Core.restored(parts.snapshot, { timing, policy: policyOf(parts.changes) });
    this.#view = this.#core.view();
    this.#nowMs = parts.fromMs;
  }

  /** Gives how much of the span is done, from 0 to 1, every few ms. */
  *go(): Generator<number, WhatIfOutcome> {
    const { fromMs, untilMs } = this.#parts;
    const startedMs = performance.now();
    this.#begin();
    let sampleMs = fromMs;
    for (const nowMs of this.#steps(untilMs, tickMs)) {
      if (nowMs >= sampleMs) {
        this.#tally.sample(this.#view);
        sampleMs += sampleEveryMs;
      }
      yield (nowMs - fromMs) / (untilMs - fromMs);
    }
    this.#isOver = true;
    const timesRealTime = Math.round((untilMs - fromMs) / Math.max(0.001, performance.now() - startedMs));
    const outcome = this.#tally.outcome(this.#view, untilMs);
    const digest = this.#core.digest();
    const drainedAfterMs = yield* this.#drain(untilMs);
    return { ...outcome, ...(drainedAfterMs !== undefined && { drainedAfterMs }), digest, timesRealTime };
  }

  /** Nodes that were online are online, what ran on them runs, and the changes are made. */
  #begin(): void {
    const held = new Map<NodeId, Token[]>();
    for (const row of liveRows(this.#view)) {
      const record = this.#view.task(row.taskId);
      const attempt = record?.attempts.at(-1);
      if (!record || !attempt || attempt.end) continue;
      const { token, nodeId, placedAtMs, startedAtMs = placedAtMs } = attempt;
      this.#live.set(token, { taskId: row.taskId, nodeId });
      held.set(nodeId, [...(held.get(nodeId) ?? []), token]);
      const real = this.#parts.isOwnLoad ? this.#nextRun(row.taskId) : undefined;
      const run = real ?? this.#estimate(record.spec);
      const endMs = real ? placedAtMs + real.startMs + real.runMs : startedAtMs + run.runMs;
      this.#ends.add(Math.max(this.#nowMs + 1, endMs), { token, end: run.end, isOwn: true });
    }
    this.#turn([{ kind: 'StartEpoch', seed: 1 }, ...this.#joins(held)]);
    const { evicted, commands } = this.#changes.prepare(this.#parts.changes, this.#view);
    this.#turn([...evicted.flatMap((id) => this.#lose(id)), ...commands]);
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
    const { arrivals } = this.#parts.load;
    let turns = 0;
    let at = 0;
    for (;;) {
      const arrivalMs = this.#isOver ? undefined : arrivals[at]?.atMs;
      const dueMs = Math.min(
        arrivalMs ?? never * 10,
        this.#ends.nextMs,
        this.#core.nextDueMs() ?? never * 10,
      );
      const nextMs = Math.max(this.#nowMs, Math.min(dueMs, this.#nowMs + everyMs));
      if (nextMs > untilMs) return;
      const isStill = nextMs === this.#nowMs && arrivalMs !== nextMs && this.#ends.nextMs > nextMs;
      this.#nowMs = isStill ? nextMs + 1 : nextMs;
      const commands: Command[] = [];
      const submits: { readonly at: number; readonly tasks: readonly TaskId[] }[] = [];
      while (!this.#isOver && (arrivals[at]?.atMs ?? Infinity) <= this.#nowMs) {
        const arrival = arrivals[at];
        at += 1;
        if (!arrival) break;
        if (arrival.command.kind === 'SubmitTasks')
          submits.push({ at: commands.length, tasks: arrival.tasks });
        commands.push(...this.#commandsOf(arrival));
      }
      commands.push(...this.#reports());
      this.#turn(commands, submits);
      turns += 1;
      if (turns % turnsPerStep === 0) yield this.#nowMs;
    }
  }

  *#drain(untilMs: number): Generator<number, number | undefined> {
    const endMs = untilMs + drainMaxMs;
    while (this.#liveTasks() > 0) {
      const isStuck = this.#ends.nextMs > endMs && (this.#core.nextDueMs() ?? endMs + 1) > endMs;
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
    switch (changed.kind) {
      case 'JoinNode':
        return [{ ...changed, held: running(this.#tokensOn(changed.nodeId)) }];
      case 'DisconnectNode':
        return losesNode ? [...this.#lose(changed.nodeId), changed] : [changed];
      case 'ForgetNode':
        return [{ kind: 'DisconnectNode', nodeId: changed.nodeId }, ...this.#lose(changed.nodeId), changed];
      case 'CancelTask':
        return [{ ...changed, taskId: this.#here.get(tasks[0] ?? changed.taskId) ?? changed.taskId }];
      default:
        return [changed];
    }
  }

  /** What runs there is given up, as after a lease that ended. */
  #lose(nodeId: NodeId): readonly Command[] {
    const end: AttemptEnd = { reason: 'lost', message: 'its node is gone' };
    const results = this.#tokensOn(nodeId).map((token) => {
      const id = this.#live.get(token)?.taskId ?? taskId(0);
      this.#live.delete(token);
      return { token, taskId: id, end };
    });
    return results.length === 0 ? [] : [{ kind: 'ReportResults', nodeId, results }];
  }

  #tokensOn(nodeId: NodeId): readonly Token[] {
    return [...this.#live].flatMap(([token, live]) => (live.nodeId === nodeId ? [token] : []));
  }

  /** What agents would say by now: starts before ends. */
  #reports(): readonly Command[] {
    const commands: Command[] = [];
    for (let token = this.#starts.takeDue(this.#nowMs); token; token = this.#starts.takeDue(this.#nowMs)) {
      const live = this.#live.get(token);
      if (live) commands.push({ kind: 'ReportStarted', nodeId: live.nodeId, tokens: [token] });
    }
    for (let due = this.#ends.takeDue(this.#nowMs); due; due = this.#ends.takeDue(this.#nowMs)) {
      const { token, end, isOwn } = due;
      const live = this.#live.get(token);
      if (!live) continue;
      this.#live.delete(token);
      const recorded = this.#recorded.get(live.taskId) ?? live.taskId;
      if (isOwn) this.#used.set(recorded, (this.#used.get(recorded) ?? 0) + 1);
      const results = [{ token, taskId: live.taskId, end }];
      commands.push({ kind: 'ReportResults', nodeId: live.nodeId, results });
    }
    return commands;
  }

  #turn(
    commands: readonly Command[],
    submits: readonly { readonly at: number; readonly tasks: readonly TaskId[] }[] = [],
  ): void {
    let given = commands;
    for (let hasMore = true; hasMore; given = []) {
      const result = this.#core.turn(this.#nowMs, given);
      if (given === commands)
        for (const { at, tasks } of submits) {
          const outcome = result.answers[at];
          this.#submitted(tasks, outcome?.ok ? (outcome.value.answers ?? []) : []);
        }
      for (const effect of result.effects) this.#take(effect);
      hasMore = result.hasMore;
    }
  }

  #submitted(
    tasks: readonly TaskId[],
    answers: readonly { readonly ok: boolean; readonly taskId?: TaskId }[],
  ): void {
    for (const [at, recorded] of tasks.entries()) {
      const id = answers[at]?.taskId;
      if (id === undefined) this.#tally.refused += 1;
      else {
        this.#tally.submitted += 1;
        this.#recorded.set(id, recorded);
        this.#here.set(recorded, id);
      }
    }
  }

  #take(effect: Effect): void {
    if (effect.kind === 'task_ended' && !this.#isOver) this.#tally.ended(effect.record);
    if (effect.kind === 'stop' && this.#live.has(effect.token))
      this.#ends.add(this.#nowMs + stopMs, {
        token: effect.token,
        end: { reason: 'cancelled' },
        isOwn: false,
      });
    if (effect.kind !== 'dispatch') return;
    const { nodeId, waitedSinceMs, dispatch } = effect;
    const { token, taskId: id, attempt } = dispatch;
    // Of those under way when the span began, some are dispatched again: their end is known already.
    if (this.#live.has(token)) return;
    this.#live.set(token, { taskId: id, nodeId });
    if (!this.#isOver) this.#countDispatch(token, attempt, waitedSinceMs);
    const run = this.#nextRun(id) ?? this.#estimate(this.#view.task(id)?.spec);
    this.#starts.add(this.#nowMs + run.startMs, token);
    const endMs = this.#nowMs + run.startMs + Math.max(1, run.runMs);
    this.#ends.add(endMs, { token, end: run.end, isOwn: true });
  }

  #countDispatch(token: Token, attempt: number, sinceMs: number): void {
    this.#tally.placements += 1;
    const queue = this.#view.queueOf(token);
    if (attempt === 1 && queue !== undefined) this.#tally.dispatched(queue, this.#nowMs - sinceMs);
  }

  /** How the next attempt of a task that is left alone really went. */
  #nextRun(id: TaskId) {
    const recorded = this.#recorded.get(id) ?? id;
    return this.#parts.load.runs.get(recorded)?.[this.#used.get(recorded) ?? 0];
  }

  #estimate(spec: TaskSpec | undefined) {
    if (spec?.work.kind === 'simulated') {
      const { runMs, exitCode } = spec.work;
      return { startMs: 0, runMs, end: { reason: 'exit', exitCode } satisfies AttemptEnd };
    }
    if (!this.#isOver) this.#tally.estimatedRuns += 1;
    const known = spec && (this.#parts.load.medianMs(spec) ?? spec.expectedMs);
    return {
      startMs: 0,
      runMs: known ?? runMsDefault,
      end: { reason: 'exit', exitCode: 0 } satisfies AttemptEnd,
    };
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

// The agents of a run: what the record says of each attempt stands in for them. An attempt takes as long as it really
// took; where that is not known, as long as the median of its kind.
import type { Effect } from '../../core/effects.ts';
import type { AttemptEnd } from '../../protocol/attempt.ts';
import { type NodeId, taskId, type TaskId, type Token } from '../../protocol/brands.ts';
import type { Command } from '../../protocol/events.ts';
import type { TaskRecord, TaskSpec } from '../../protocol/task.ts';
import type { SchedulerView } from '../../protocol/view.ts';
import { Agenda } from './agenda.ts';
import type { Load, RealRun } from './load.ts';
import type { Tally } from './tally.ts';

/** A stop of an attempt is answered after this. */
const stopMs = 100;
/** For work of which nothing is known. */
const runMsDefault = 60_000;

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
type Dispatched = Extract<Effect, { kind: 'dispatch' }>;
type Submitted = readonly { readonly ok: boolean; readonly taskId?: TaskId }[];

export class Agents {
  readonly #load: Load;
  readonly #view: SchedulerView;
  readonly #tally: Tally;
  readonly #starts = new Agenda<Token>();
  readonly #ends = new Agenda<End>();
  readonly #live = new Map<Token, Live>();
  /** Recorded ids of tasks that have another one here, and the other way round. */
  readonly #recorded = new Map<TaskId, TaskId>();
  readonly #here = new Map<TaskId, TaskId>();
  /** Recorded runs that were used up, by recorded id. */
  readonly #used = new Map<TaskId, number>();
  /** The span is over: nothing is counted any more. */
  isOver = false;

  constructor(load: Load, view: SchedulerView, tally: Tally) {
    this.#load = load;
    this.#view = view;
    this.#tally = tally;
  }

  /** When the next attempt ends. Starts wait for company: nobody waits for them. */
  get nextMs(): number {
    return this.#ends.nextMs;
  }

  idHere(recorded: TaskId): TaskId {
    return this.#here.get(recorded) ?? recorded;
  }

  /** An attempt that was under way when the span began. `isOwnLoad`: the record goes on from this very state. */
  adopt(
    { taskId: id, spec, attempts }: TaskRecord,
    nowMs: number,
    isOwnLoad: boolean,
  ): Live & { token: Token } {
    const attempt = attempts.at(-1);
    if (!attempt) throw new Error(`task ${String(id)} has no attempt`);
    const { token, nodeId, placedAtMs, startedAtMs = placedAtMs } = attempt;
    this.#live.set(token, { taskId: id, nodeId });
    const real = isOwnLoad ? this.#nextRun(id) : undefined;
    const run = real ?? this.#estimate(spec);
    const endMs = real ? placedAtMs + real.startMs + real.runMs : startedAtMs + run.runMs;
    this.#ends.add(Math.max(nowMs + 1, endMs), { token, end: run.end, isOwn: true });
    return { token, taskId: id, nodeId };
  }

  take({ nodeId, waitedSinceMs, dispatch }: Dispatched, nowMs: number): void {
    const { token, taskId: id, attempt } = dispatch;
    // Of those under way when the span began, some are dispatched again: their end is known already.
    if (this.#live.has(token)) return;
    this.#live.set(token, { taskId: id, nodeId });
    if (!this.isOver) {
      this.#tally.placements += 1;
      const queue = this.#view.queueOf(token);
      if (attempt === 1 && queue !== undefined) this.#tally.dispatched(queue, nowMs - waitedSinceMs);
    }
    const run = this.#nextRun(id) ?? this.#estimate(this.#view.task(id)?.spec);
    this.#starts.add(nowMs + run.startMs, token);
    this.#ends.add(nowMs + run.startMs + Math.max(1, run.runMs), { token, end: run.end, isOwn: true });
  }

  stop(token: Token, nowMs: number): void {
    if (this.#live.has(token))
      this.#ends.add(nowMs + stopMs, { token, end: { reason: 'cancelled' }, isOwn: false });
  }

  tokensOn(nodeId: NodeId): readonly Token[] {
    return [...this.#live].flatMap(([token, live]) => (live.nodeId === nodeId ? [token] : []));
  }

  /** What runs there is given up, as after a lease that ended. */
  lose(nodeId: NodeId): readonly Command[] {
    const end: AttemptEnd = { reason: 'lost', message: 'its node is gone' };
    const results = this.tokensOn(nodeId).map((token) => {
      const id = this.#live.get(token)?.taskId ?? taskId(0);
      this.#live.delete(token);
      return { token, taskId: id, end };
    });
    return results.length === 0 ? [] : [{ kind: 'ReportResults', nodeId, results }];
  }

  /** What agents would say by now: starts before ends. */
  reports(nowMs: number): readonly Command[] {
    const commands: Command[] = [];
    for (let token = this.#starts.takeDue(nowMs); token; token = this.#starts.takeDue(nowMs)) {
      const live = this.#live.get(token);
      if (live) commands.push({ kind: 'ReportStarted', nodeId: live.nodeId, tokens: [token] });
    }
    for (let due = this.#ends.takeDue(nowMs); due; due = this.#ends.takeDue(nowMs)) {
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

  /** `members` of a group have the ids that follow its own. */
  submitted(tasks: readonly TaskId[], members: number, answers: Submitted): void {
    for (const [at, recorded] of tasks.entries()) {
      const id = answers[at]?.taskId;
      if (id === undefined) this.#tally.refused += 1;
      else {
        this.#tally.submitted += 1;
        if (id !== recorded) this.#rename(recorded, id, members);
      }
    }
  }

  #rename(recorded: TaskId, here: TaskId, members: number): void {
    for (let at = 0; at <= members; at += 1) {
      this.#recorded.set(taskId(here + at), taskId(recorded + at));
      this.#here.set(taskId(recorded + at), taskId(here + at));
    }
  }

  /** How the next attempt of a task that is left alone really went. */
  #nextRun(id: TaskId): RealRun | undefined {
    const recorded = this.#recorded.get(id) ?? id;
    return this.#load.runs.get(recorded)?.[this.#used.get(recorded) ?? 0];
  }

  #estimate(spec: TaskSpec | undefined): RealRun {
    if (spec?.work.kind === 'simulated') {
      const { runMs, exitCode } = spec.work;
      return { startMs: 0, runMs, end: { reason: 'exit', exitCode } };
    }
    if (!this.isOver) this.#tally.estimatedRuns += 1;
    const known = spec && (this.#load.medianMs(spec) ?? spec.expectedMs);
    return { startMs: 0, runMs: known ?? runMsDefault, end: { reason: 'exit', exitCode: 0 } };
  }
}

// What is pushed to windows: an overview frame at `feedHz` to each that watches it, and output of watched tasks.
import type { TaskId } from '../protocol/brands.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { LogPiece, OverviewFrame } from '../protocol/consoleFrames.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { ConsolePorts } from './ports.ts';
import type { Projections } from './projections.ts';

interface OverviewWatch {
  sequence: number;
  /** Traces go once a second; one that was skipped goes with the next frame. */
  owesTraces: boolean;
}

export class Feed {
  readonly #ports: ConsolePorts;
  readonly #projections: Projections;
  readonly #overviews = new Map<ConsoleLink, OverviewWatch>();
  readonly #logs = new Map<TaskId, Set<ConsoleLink>>();
  #ticks = 0;

  constructor(ports: ConsolePorts, projections: Projections) {
    this.#ports = ports;
    this.#projections = projections;
  }

  /** The first frame leaves at once, with traces. Watching again changes nothing. */
  watchOverview(link: ConsoleLink, on: boolean): void {
    if (!on) {
      this.#overviews.delete(link);
      return;
    }
    if (this.#overviews.has(link)) return;
    const watch = { sequence: 0, owesTraces: true };
    this.#overviews.set(link, watch);
    this.#sample();
    this.#send(link, watch, this.#frame());
  }

  /** Refuses `too_many` where the link follows `watchedLogsMax` tasks. */
  watchLog(link: ConsoleLink, taskId: TaskId, on: boolean): Outcome<void, Refusal> {
    if (!on) {
      this.#unwatchLog(link, taskId);
      return accepted(undefined);
    }
    const watchers = this.#logs.get(taskId) ?? new Set();
    if (!watchers.has(link) && this.#watchedBy(link) >= limits.watchedLogsMax) {
      const reason = `this window follows ${limits.watchedLogsMax} tasks; close the output of one first`;
      return refused(refusal('too_many', reason));
    }
    this.#logs.set(taskId, watchers.add(link));
    return accepted(undefined);
  }

  remove(link: ConsoleLink): void {
    this.#overviews.delete(link);
    for (const taskId of [...this.#logs.keys()]) this.#unwatchLog(link, taskId);
  }

  /** A slow window misses frames; the piece numbers show it the gap, and `readLog` fills it. */
  onLog(taskId: TaskId, pieces: readonly LogPiece[]): void {
    for (const link of this.#logs.get(taskId) ?? []) link.send({ push: 'log', taskId, pieces });
  }

  /** To be called `feedHz` times a second. */
  tick(): void {
    const isSecond = this.#ticks % limits.feedHz === 0;
    this.#ticks += 1;
    if (isSecond) {
      this.#sample();
      for (const watch of this.#overviews.values()) watch.owesTraces = true;
    }
    if (this.#overviews.size === 0) return;
    const frame = this.#frame();
    for (const [link, watch] of this.#overviews) this.#send(link, watch, frame);
  }

  #sample(): void {
    const { view, hubStats } = this.#ports;
    this.#projections.sample(view.nodeCounts(), view.taskCounts(), view.fleetUse());
    this.#projections.countMessages(hubStats().messagesIn);
  }

  #send(link: ConsoleLink, watch: OverviewWatch, frame: OverviewFrame): void {
    watch.sequence += 1;
    const { sequence, owesTraces } = watch;
    const numbered = { ...frame, sequence };
    const wasSent = link.send(owesTraces ? { ...numbered, traces: this.#projections.traces() } : numbered);
    if (wasSent) watch.owesTraces = false;
  }

  #frame(): OverviewFrame {
    const { view, alarms, clock, hubStats, isRecovering } = this.#ports;
    const simulation = this.#ports.simulation.state();
    const dispatchMs = this.#projections.dispatchMs();
    return {
      push: 'overview',
      sequence: 0,
      atMs: clock(),
      epoch: view.epoch(),
      isRecovering: isRecovering(),
      nodes: view.nodeCounts(),
      tasks: view.taskCounts(),
      use: view.fleetUse(),
      queues: view.queues(),
      rates: this.#projections.rates(),
      ...(dispatchMs && { dispatchMs }),
      lastHour: this.#projections.lastHour(),
      alarms: alarms.rows(),
      badMessages: hubStats().badMessages,
      ...(simulation.state !== 'off' && { simulation }),
    };
  }

  #watchedBy(link: ConsoleLink): number {
    let count = 0;
    for (const watchers of this.#logs.values()) if (watchers.has(link)) count += 1;
    return count;
  }

  #unwatchLog(link: ConsoleLink, taskId: TaskId): void {
    const watchers = this.#logs.get(taskId);
    watchers?.delete(link);
    if (watchers?.size === 0) this.#logs.delete(taskId);
  }
}

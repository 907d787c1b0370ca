// Events -> what the overview counts: rates, dispatch latency, the last hour, and the traces.
import { ms, type Ms } from '../protocol/brands.ts';
import type { OverviewFrame } from '../protocol/consoleFrames.ts';
import type { Batch, EventKind } from '../protocol/events.ts';
import type { FleetUse, NodeCounts, TaskCounts } from '../protocol/view.ts';
import type { EndedMinute } from './ports.ts';
import { Traces, type TraceValues } from './traces.ts';
import { LatencyWindow, SlidingSum } from './windows.ts';

/** Rates are taken over 5 s: shorter ones flicker, longer ones lag. */
const rateSlotMs = 250;
const rateSlots = 20;
const hourSlotMs = 10_000;
const hourSlots = 360;
/** 12 x 5 s = 60 s. */
const latencySlotMs = 5_000;
const latencySlots = 12;

export class Projections {
  readonly #clock: () => Ms;
  readonly #rates: Record<keyof OverviewFrame['rates'], SlidingSum>;
  readonly #hour: Record<keyof OverviewFrame['lastHour'], SlidingSum>;
  readonly #latency: LatencyWindow;
  readonly #traces: Traces;
  #messagesSeen = 0;

  constructor(clock: () => Ms) {
    this.#clock = clock;
    const startMs = clock();
    const rate = () => new SlidingSum(rateSlotMs, rateSlots, startMs);
    const hour = () => new SlidingSum(hourSlotMs, hourSlots, startMs);
    this.#rates = { submittedPerS: rate(), dispatchedPerS: rate(), endedPerS: rate(), messagesPerS: rate() };
    this.#hour = { succeeded: hour(), deadLettered: hour(), cancelled: hour() };
    this.#latency = new LatencyWindow(latencySlotMs, latencySlots, startMs);
    this.#traces = new Traces(startMs);
  }

  /** O(events). */
  onBatch({ atMs, events }: Batch): void {
    const counts = new Map<EventKind, number>();
    for (const { kind } of events) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    const of = (kind: EventKind): number => counts.get(kind) ?? 0;
    const placed = of('attempt_placed');
    const deadLettered = of('task_dead_lettered');
    this.#rates.submittedPerS.add(atMs, of('task_admitted'));
    this.#rates.dispatchedPerS.add(atMs, placed);
    this.#traces.addDispatched(atMs, placed);
    this.#traces.addDeadLettered(atMs, deadLettered);
    this.#addEnded(atMs, {
      succeeded: of('task_succeeded'),
      deadLettered,
      cancelled: of('task_cancelled'),
    });
  }

  onDispatched(latencyMs: number): void {
    const nowMs = this.#clock();
    this.#latency.add(nowMs, latencyMs);
    this.#traces.addLatency(nowMs, latencyMs);
  }

  /** What ended before this host started. */
  addEarlier(minutes: readonly EndedMinute[]): void {
    for (const minute of minutes) this.#addHour(minute.minuteMs, minute);
  }

  /** Takes the present values into the traces. Once a second is enough. */
  sample(nodes: NodeCounts, tasks: TaskCounts, use: FleetUse): void {
    this.#traces.setGauges(this.#clock(), {
      online: nodes.online,
      running: tasks.running,
      waiting: tasks.ready + tasks.backlog + tasks.blocked + tasks.backoff,
      cpuAllocatedPercent: percent(use.cpuAllocated, use.cpuTotal),
      cpuUsedPercent: percent(use.cpuUsed, use.cpuTotal),
    });
  }

  /** `messagesIn`: how many came since the hub opened. */
  countMessages(messagesIn: number): void {
    this.#rates.messagesPerS.add(this.#clock(), messagesIn - this.#messagesSeen);
    this.#messagesSeen = messagesIn;
  }

  rates(): OverviewFrame['rates'] {
    const nowMs = this.#clock();
    const { submittedPerS, dispatchedPerS, endedPerS, messagesPerS } = this.#rates;
    return {
      submittedPerS: tenths(submittedPerS.ratePerS(nowMs)),
      dispatchedPerS: tenths(dispatchedPerS.ratePerS(nowMs)),
      endedPerS: tenths(endedPerS.ratePerS(nowMs)),
      messagesPerS: tenths(messagesPerS.ratePerS(nowMs)),
    };
  }

  lastHour(): OverviewFrame['lastHour'] {
    const nowMs = this.#clock();
    const { succeeded, deadLettered, cancelled } = this.#hour;
    return {
      succeeded: succeeded.sum(nowMs),
      deadLettered: deadLettered.sum(nowMs),
      cancelled: cancelled.sum(nowMs),
    };
  }

  dispatchMs(): OverviewFrame['dispatchMs'] | undefined {
    return this.#latency.quantiles(this.#clock());
  }

  traces(): TraceValues {
    return this.#traces.values(this.#clock());
  }

  #addEnded(atMs: Ms, ended: OverviewFrame['lastHour']): void {
    this.#rates.endedPerS.add(atMs, ended.succeeded + ended.deadLettered + ended.cancelled);
    this.#addHour(atMs, ended);
  }

  #addHour(atMs: Ms, ended: OverviewFrame['lastHour']): void {
    this.#hour.succeeded.add(atMs, ended.succeeded);
    this.#hour.deadLettered.add(atMs, ended.deadLettered);
    this.#hour.cancelled.add(atMs, ended.cancelled);
  }
}

/** The span of `lastHour`. */
export const lastHourMs = ms(hourSlotMs * hourSlots);
const percent = (part: number, whole: number): number => (whole === 0 ? 0 : (part * 100) / whole);
const tenths = (value: number): number => Math.round(value * 10) / 10;

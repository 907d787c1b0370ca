// What the host lets others see of itself: metrics, readiness, traces, and the alarms of its own health.
import { hostname } from 'node:os';
import type { EngineListener } from '../engine/engine.ts';
import type { LogControl } from '../observe/log.ts';
import { Metrics } from '../observe/metrics.ts';
import { ProcessWatch } from '../observe/processMetrics.ts';
import { type Readiness, readinessOf } from '../observe/readiness.ts';
import { SelfChecks } from '../observe/selfChecks.ts';
import type { Dispatch } from '../protocol/agentWire.ts';
import type { TaskRecord } from '../protocol/task.ts';
import type { Tracing } from '../tracing/tracing.ts';
import type { HostConfig } from './config.ts';
import type { HostFiles } from './hostParts.ts';
import { hostMetrics } from './hostMetrics.ts';
import { spanMetrics } from './spanMetrics.ts';
import { type TaskMetrics, taskMetrics } from './taskMetrics.ts';

type Watched = Omit<Parameters<typeof hostMetrics>[1], 'version'>;

interface About {
  readonly version: string;
  readonly log: Pick<LogControl, 'isFailing'>;
}

const checkEveryMs = 1_000;

export class Observation {
  readonly #metrics = new Metrics();
  readonly #process = new ProcessWatch(this.#metrics);
  readonly #tasks: TaskMetrics = taskMetrics(this.#metrics);
  readonly #about: About;
  readonly #tracing: Tracing | undefined;
  #watched: Watched | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isStopping = false;

  private constructor(about: About, tracing?: Tracing) {
    this.#about = about;
    this.#tracing = tracing;
    if (tracing) spanMetrics(this.#metrics, tracing);
  }

  /** Loads what traces need, where they are asked for. */
  static async open(
    { observe: { otlp }, dataFolder }: HostConfig,
    { version }: HostFiles,
    log: LogControl,
  ): Promise<Observation> {
    const about = { version, log };
    if (!otlp) return new Observation(about);
    const [{ openOtlp }, { Tracing }] = await Promise.all([
      import('../tracing/otlp.ts'),
      import('../tracing/tracing.ts'),
    ]);
    const send = await openOtlp(otlp.url, version);
    const plant = `${hostname()}\0${dataFolder}`;
    return new Observation(about, new Tracing({ send, ratio: otlp.ratio, plant }));
  }

  /** All parts are there: from now on their numbers are read and their health is checked. */
  watch(watched: Watched): void {
    this.#watched = watched;
    const { version, log } = this.#about;
    hostMetrics(this.#metrics, { ...watched, version });
    const checks = new SelfChecks(watched.alarms);
    this.#timer = setInterval(() => {
      checks.check(performance.now(), {
        loopP99Ms: this.#process.late.p99Ms,
        gcMs: this.#process.gcMs,
        wallMs: Date.now(),
        isLogFailing: log.isFailing(),
      });
    }, checkEveryMs);
  }

  readonly text = (): string => this.#metrics.text();

  readonly readiness = (): Readiness =>
    readinessOf({
      isStopping: this.#isStopping,
      alarms: this.#watched?.alarms.rows() ?? [],
      edges: this.#watched?.hub.edges() ?? { wanted: 0, listening: 0 },
    });

  readonly onDispatched: EngineListener['onDispatched'] = (waitedMs) => {
    this.#tasks.dispatched(waitedMs);
  };
  readonly onPlaced = (turnMs: number): void => {
    this.#tasks.placed(turnMs);
  };

  onDurable(ended: readonly TaskRecord[]): void {
    this.#tasks.committed(this.#watched?.journal.stats().lastCommitMs ?? 0);
    if (ended.length === 0) return;
    this.#tasks.ended(ended);
    this.#tracing?.ended(ended);
  }

  /** As an agent gets it: with its place in the trace, where there is one. */
  given(dispatch: Dispatch): Dispatch {
    if (!this.#tracing) return dispatch;
    return this.#tracing.given(dispatch, this.#watched?.engine.view.task(dispatch.taskId));
  }

  stopping(): void {
    this.#isStopping = true;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#process.close();
    await this.#tracing?.close();
  }
}

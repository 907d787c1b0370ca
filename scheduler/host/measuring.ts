// What the host measures of itself and of the plant: samples for metric history, and the alarms that come of numbers.
import type { Engine } from '../engine/engine.ts';
import { MetricSampler } from '../history/metricSampler.ts';
import type { History } from '../history/store.ts';
import type { JournalPort } from '../journal/port.ts';
import type { Alarms } from '../observe/alarms.ts';
import { LateQueues } from '../observe/lateQueues.ts';
import { MissedDeadlines } from '../observe/missedDeadlines.ts';
import { SlowJournal } from '../observe/slowJournal.ts';
import type { Ms } from '../protocol/brands.ts';
import type { Batch } from '../protocol/events.ts';

/** As often as agents send heartbeats: each measured value is taken once. */
const sampleEveryMs = 10_000;
const checkEveryMs = 1_000;

export interface Measured {
  readonly engine: Pick<Engine, 'view'>;
  readonly history: Pick<History, 'addMetrics'>;
  readonly journal: Pick<JournalPort, 'stats'>;
  readonly alarms: Alarms;
  /** True while the host is overloaded: a sample less is no loss. */
  readonly isOverloaded: () => boolean;
  readonly clock: () => Ms;
  readonly onBug: (error: unknown, where: string) => void;
}

export class Measuring {
  readonly #parts: Measured;
  readonly #sampler: MetricSampler;
  readonly #queues: LateQueues;
  readonly #deadlines: MissedDeadlines;
  readonly #journal: SlowJournal;
  readonly #timers: readonly NodeJS.Timeout[];
  #isClosed = false;

  constructor(parts: Measured) {
    this.#parts = parts;
    this.#sampler = new MetricSampler(parts.engine.view, parts.clock());
    this.#queues = new LateQueues(parts.alarms);
    this.#deadlines = new MissedDeadlines(parts.alarms);
    this.#journal = new SlowJournal(parts.alarms);
    this.#timers = [
      setInterval(() => {
        this.#check();
      }, checkEveryMs),
      setInterval(() => {
        this.#sample();
      }, sampleEveryMs),
    ];
  }

  /** A batch has become durable: its commit is the journal's newest, since the engine writes one at a time. */
  onDurable(batch: Batch): void {
    const { clock, journal } = this.#parts;
    this.#journal.committed(clock(), journal.stats().lastCommitMs);
    this.#sampler.onBatch(batch);
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) clearInterval(timer);
  }

  #check(): void {
    const { clock, engine } = this.#parts;
    const nowMs = clock();
    const queues = engine.view.queues();
    this.#queues.check(queues, nowMs);
    this.#deadlines.check(queues);
    this.#journal.check(nowMs);
  }

  #sample(): void {
    const { clock, history, onBug, isOverloaded } = this.#parts;
    if (isOverloaded()) return;
    history.addMetrics(this.#sampler.sample(clock())).catch((error: unknown) => {
      // A store that failed has told so already, and ends the host.
      if (!this.#isClosed && !(error instanceof Error && error.name === 'HistoryFailed'))
        onBug(error, 'storing metrics');
    });
  }
}

// Traces of tasks' lives: chosen, made when a task has ended, queued within a bound, sent in groups.
import type { Dispatch } from '../protocol/agentWire.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { attemptSpanId, type Span, spansOf } from './taskSpans.ts';
import { isChosen, readTraceparent, traceIdOf, traceVariable, writeTraceparent } from './traceContext.ts';

/** Some seconds of a busy plant; about 10 MB. What does not fit is dropped and counted: work goes before its trace. */
export const spansWaitingMax = 20_000;
/** Of one request: some hundred kB. */
const spansPerSend = 1_000;
const sendEveryMs = 1_000;

/** Resolves to false where the receiver did not take them. */
export type SendSpans = (spans: readonly Span[]) => Promise<boolean>;

interface TracingOptions {
  readonly send: SendSpans;
  /** 0 to 1: share of the tasks that come without a trace of their caller's. */
  readonly ratio: number;
  /** Names this plant: task ids begin at 1 in every one. */
  readonly plant: string;
}

/** What a trace id is made of, beside the plant: known when a task is dispatched and when it has ended. */
type Traced = Pick<TaskRecord, 'taskId' | 'spec' | 'submittedAtMs'>;

export class Tracing {
  readonly #options: TracingOptions;
  readonly #waiting: Span[] = [];
  readonly #timer: NodeJS.Timeout;
  #sending: Promise<void> | undefined;
  #sent = 0;
  #dropped = 0;

  constructor(options: TracingOptions) {
    this.#options = options;
    this.#timer = setInterval(() => {
      void this.flush();
    }, sendEveryMs);
    this.#timer.unref();
  }

  /** `dropped`: did not fit, or the receiver did not take them. */
  get counts(): { readonly sent: number; readonly dropped: number; readonly waiting: number } {
    return { sent: this.#sent, dropped: this.#dropped, waiting: this.#waiting.length };
  }

  ended(records: readonly TaskRecord[]): void {
    for (const record of records) {
      const trace = this.#traceOf(record);
      if (!trace.isSampled) continue;
      const spans = spansOf(record, trace);
      if (this.#waiting.length + spans.length > spansWaitingMax) this.#dropped += spans.length;
      else this.#waiting.push(...spans);
    }
  }

  /** The dispatch with the attempt's own span in its environment, for what the program traces of itself. */
  given(dispatch: Dispatch, task: Traced | undefined): Dispatch {
    const { work, token } = dispatch;
    if (task === undefined || !('env' in work)) return dispatch;
    const { traceId, isSampled } = this.#traceOf(task);
    const own = writeTraceparent({ traceId, spanId: attemptSpanId(traceId, token), isSampled });
    return { ...dispatch, work: { ...work, env: { ...work.env, [traceVariable]: own } } };
  }

  /** Sends what waits, one request at a time. */
  flush(): Promise<void> {
    this.#sending ??= this.#sendAll().finally(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  /** What waits is tried once more. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.flush();
  }

  async #sendAll(): Promise<void> {
    let isTaken = true;
    while (isTaken && this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, spansPerSend);
      isTaken = await this.#options.send(spans);
      if (isTaken) this.#sent += spans.length;
      else this.#dropped += spans.length;
    }
  }

  /** A caller's trace goes on, and its choice holds. */
  #traceOf({ taskId, spec, submittedAtMs }: Traced) {
    const given = 'env' in spec.work ? spec.work.env[traceVariable] : undefined;
    const parent = readTraceparent(given);
    if (parent) return { traceId: parent.traceId, parentSpanId: parent.spanId, isSampled: parent.isSampled };
    const { plant, ratio } = this.#options;
    const traceId = traceIdOf(plant, taskId, submittedAtMs);
    return { traceId, isSampled: isChosen(traceId, ratio) };
  }
}

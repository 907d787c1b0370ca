// Collects what attempts report during one event-loop turn, and sends it as few messages: cost is per message.
import type { Token } from '../scheduler/protocol/brands.ts';
import { frameBytesMax, heldAttemptsMax, resultsPerMessageMax } from '../scheduler/protocol/limits.ts';
import type { AttemptReports } from './attemptExecutor.ts';
import type { AttemptResult } from './resultOutbox.ts';

export interface ReportSender {
  /** Queued `started` tokens wait for it; queued results need not, since a join sends all that are pending. */
  readonly isJoined: () => boolean;
  readonly sendStarted: (tokens: Token[]) => void;
  readonly sendResults: (results: AttemptResult[]) => void;
}

export class ReportBatch implements AttemptReports {
  readonly #sender: ReportSender;
  #isScheduled = false;
  #started = new Set<Token>();
  #results = new Map<Token, AttemptResult>();

  constructor(sender: ReportSender) {
    this.#sender = sender;
  }

  started(token: Token): void {
    this.#started.add(token);
    this.#flushSoon();
  }

  result(result: AttemptResult): void {
    if (!this.#sender.isJoined()) return;
    this.#results.set(result.token, result);
    this.#flushSoon();
  }

  flush(): void {
    if (!this.#sender.isJoined()) return;
    const started = [...this.#started].slice(-heldAttemptsMax);
    const results = [...this.#results.values()];
    this.#started.clear();
    this.#results.clear();
    if (started.length > 0) this.#sender.sendStarted(started);
    for (const message of inMessages(results)) this.#sender.sendResults(message);
  }

  /** At a join, these replace what was queued. */
  replaceResults(results: readonly AttemptResult[]): void {
    this.#results = new Map(results.map((result) => [result.token, result]));
  }

  #flushSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.flush();
    });
  }
}

/** Cut by number and by size; half the frame is left for what escaping may add. */
export function inMessages(results: readonly AttemptResult[]): AttemptResult[][] {
  const messages: AttemptResult[][] = [];
  let current: AttemptResult[] = [];
  let bytes = 0;
  for (const result of results) {
    const { message = '', checkpoint = '' } = result.end;
    const size = 200 + 3 * (message.length + checkpoint.length);
    if (current.length === resultsPerMessageMax || bytes + size > frameBytesMax / 2) {
      messages.push(current);
      current = [];
      bytes = 0;
    }
    current.push(result);
    bytes += size;
  }
  if (current.length > 0) messages.push(current);
  return messages;
}

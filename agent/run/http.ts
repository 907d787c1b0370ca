// Kind `http`: one call, repeated where the target was not reached or was busy. The same key each time, so that a
// target that knows the header does the work once.
import { setTimeout as wait } from 'node:timers/promises';
import { formatTaskId } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { resultBytesMax } from '../../scheduler/protocol/workLimits.ts';
import type { HttpWork } from '../../scheduler/protocol/work.ts';
import { type Job, messageLengthMax, type RunEvents, type Runner } from './runner.ts';

/** Answers after which the same call may succeed: RFC 9110 and 6585. */
const busyStatuses = new Set([408, 425, 429, 500, 502, 503, 504]);
const firstPauseMs = 250;
const pauseMaxMs = 10_000;
/** Exit code where nobody answered: no HTTP status is that small. */
const noAnswerCode = 1;

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly isCut: boolean;
  readonly retryAfterMs: number;
}

export const runHttp: Runner<HttpWork> = (job, events) => {
  const abort = new AbortController();
  setImmediate(() => {
    events.started();
    void call(job, events, abort.signal).then(events.end);
  });
  const stop = (): void => {
    abort.abort();
  };
  return { ask: stop, kill: stop };
};

async function call(job: Job<HttpWork>, events: RunEvents, signal: AbortSignal): Promise<AttemptEnd> {
  const { method, url, retries } = job.work;
  const say = (line: string): void => {
    events.output('stdout', Buffer.from(`${method} ${url}: ${line}\n`));
  };
  for (let tried = 0; ; tried += 1) {
    const answer = await askOnce(job, signal).catch((error: unknown) => causeOf(error));
    const isLast = tried >= retries || signal.aborted;
    if (typeof answer === 'string') {
      say(answer);
      if (isLast) return { reason: 'exit', exitCode: noAnswerCode, message: clipped(`${url}: ${answer}`) };
    } else {
      say(`${String(answer.status)}${answer.isCut ? ', the answer was cut' : ''}`);
      if (isLast || !busyStatuses.has(answer.status)) return endOf(job.work, answer);
    }
    const pauseMs = Math.max(firstPauseMs * 2 ** tried, typeof answer === 'string' ? 0 : answer.retryAfterMs);
    await wait(Math.min(pauseMs, pauseMaxMs), undefined, { signal }).catch(() => undefined);
  }
}

async function askOnce({ work, dispatch }: Job<HttpWork>, signal: AbortSignal): Promise<Answer> {
  const task = formatTaskId(dispatch.taskId);
  const headers = new Headers(work.headers);
  headers.set('Idempotency-Key', task);
  headers.set('Millrace-Task', task);
  headers.set('Millrace-Attempt', String(dispatch.attempt));
  headers.set('Millrace-Token', String(dispatch.token));
  const hasBody = work.body !== undefined && work.method !== 'GET' && work.method !== 'HEAD';
  const response = await fetch(work.url, {
    method: work.method,
    headers,
    signal,
    ...(hasBody && { body: work.body }),
  });
  const retryAfterS = Number(response.headers.get('retry-after'));
  return {
    status: response.status,
    ...(await textOf(response)),
    retryAfterMs: Number.isFinite(retryAfterS) ? retryAfterS * 1_000 : 0,
  };
}

/** No more is read than is kept. */
async function textOf(response: Response): Promise<Pick<Answer, 'text' | 'isCut'>> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (!body) return { text: '', isCut: false };
  for await (const piece of body) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > resultBytesMax) break;
  }
  const isCut = bytes > resultBytesMax;
  const kept = Buffer.concat(pieces).subarray(0, resultBytesMax);
  // Bytes that are no text each become a sign of three bytes: what is kept is cut again then.
  const text = new TextDecoder().decode(kept, { stream: isCut });
  return Buffer.byteLength(text) <= resultBytesMax
    ? { text, isCut }
    : { text: text.slice(0, Math.floor(resultBytesMax / 3)), isCut: true };
}

function endOf({ url }: HttpWork, { status, text, isCut }: Answer): AttemptEnd {
  const isGood = status >= 200 && status < 300;
  const cut = `its answer was cut to ${String(resultBytesMax)} bytes`;
  const message = [...(isGood ? [] : [`${url} answered ${String(status)}`]), ...(isCut ? [cut] : [])].join(
    '; ',
  );
  return {
    reason: 'exit',
    exitCode: isGood ? 0 : status,
    ...(text !== '' && { result: text }),
    ...(message !== '' && { message: clipped(message) }),
  };
}

function causeOf(error: unknown): string {
  const { message, cause } = error as Error;
  if (!(cause instanceof Error)) return `no answer: ${message}`;
  return `no answer: ${(cause as NodeJS.ErrnoException).code ?? cause.message}`;
}

const clipped = (message: string): string => message.slice(0, messageLengthMax);

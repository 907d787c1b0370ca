// Output of a task over HTTP: a page of pieces, the whole as text, or followed until the task has ended.
import * as v from 'valibot';
import type { TaskId, Token } from '../protocol/brands.ts';
import type { LogPiece } from '../protocol/consoleFrames.ts';
import { methodSchemas } from '../protocol/consoleWire.ts';
import { attemptsMax, pageRowsMax, platformRetriesMax } from '../protocol/limits.ts';
import { accepted, type Outcome, refusal, refused } from '../protocol/outcome.ts';
import { isEnded, type TaskRecord } from '../protocol/task.ts';
import { type AttemptRecord } from '../protocol/attempt.ts';
import * as examples from './examples.ts';
import { type Answer, type Ask, json, jsonOf, type Operation, readTaskId, type Sink } from './operation.ts';
import type { DoorRefusal } from './problem.ts';

const { readLog } = methodSchemas;
/** A watched task wakes the reader at once; this is how late its end, or a new attempt, may be seen. */
const lookAgainMs = 400;
/** Between two signs of life while nothing is printed: proxies and clients give up on silence. */
const keepAliveMs = 15_000;
const highestAttempt = attemptsMax + platformRetriesMax;

const events = 'text/event-stream';
const plain = 'text/plain; charset=utf-8';

export const logOperation: Operation = {
  id: 'readLog',
  method: 'GET',
  path: '/tasks/{taskId}/logs',
  about:
    'Output of one attempt, the newest unless `attempt` says otherwise. Without more: a page of pieces after piece ' +
    '`after`. `format=text`: all of it as text. `follow=1`: server-sent events `attempt`, `piece` and at last `end` ' +
    '(or text), until the task has ended, over all attempts from that one on.',
  query: {
    attempt: {
      kind: 'number',
      schema: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(highestAttempt)),
      about: 'Number of the attempt, from 1',
    },
    after: { kind: 'number', schema: readLog.entries.after, about: 'Only pieces numbered above this' },
    limit: { kind: 'number', schema: readLog.entries.limit, about: 'Pieces of a page' },
    stream: {
      kind: 'text',
      schema: v.picklist(['stdout', 'stderr']),
      about: 'Only this stream (as text and followed)',
    },
    format: { kind: 'text', schema: v.picklist(['json', 'text']), about: 'What is sent; json if absent' },
    follow: { kind: 'flag', schema: v.boolean(), about: 'Go on until the task has ended' },
  },
  answer: { name: 'LogPage', status: 200, example: { pieces: [examples.logPiece], isComplete: true } },
  alsoAnswers: [plain, events],
  refuses: ['unknown_task', 'wrong_state'],
  run: readLogs,
};

async function readLogs(ask: Ask): Promise<Answer> {
  const { query, caller } = ask;
  const bad = badChoice(query);
  if (bad) return refused(bad);
  const found = await recordOf(ask);
  if (!found.ok) return found;
  const { attempt: number, stream, after, limit } = query;
  const attempt = attemptOf(found.value, number);
  if (attempt === undefined && number !== undefined) return refused(noSuchAttempt(found.value));
  const isText = query['format'] === 'text';
  const output = new Output(ask, { isText, stream });
  if (query['follow'] === true)
    return streamed(isText ? plain : events, true, (sink) => output.follow(sink, found.value, attempt));
  if (isText) return streamed(plain, false, (sink) => output.whole(sink, attempt));
  if (attempt === undefined) return json({ pieces: [], isComplete: isEnded(found.value.state) });
  return jsonOf(
    await caller.call('readLog', {
      token: attempt.token,
      ...(after !== undefined && { after }),
      ...(limit !== undefined && { limit }),
    }),
  );
}

const streamed = (contentType: string, isFollow: boolean, write: (sink: Sink) => Promise<void>): Answer =>
  accepted({ kind: 'stream', contentType, isFollow, write });

function badChoice({ format, stream }: Ask['query']): DoorRefusal | undefined {
  if (format !== undefined && format !== 'json' && format !== 'text')
    return refusal('bad_message', 'format is json or text', { field: 'format' });
  if (stream !== undefined && stream !== 'stdout' && stream !== 'stderr')
    return refusal('bad_message', 'stream is stdout or stderr', { field: 'stream' });
  return undefined;
}

async function recordOf(ask: Ask): Promise<Outcome<TaskRecord, DoorRefusal>> {
  const taskId = readTaskId(ask);
  if (!taskId.ok) return taskId;
  const detail = await ask.caller.call('getTask', { taskId: taskId.value });
  return detail.ok ? accepted(detail.value.record) : detail;
}

const attemptOf = ({ attempts }: TaskRecord, number: unknown): AttemptRecord | undefined =>
  number === undefined ? attempts.at(-1) : attempts.find(({ attempt }) => attempt === number);

const noSuchAttempt = ({ attempts }: TaskRecord): DoorRefusal =>
  refusal('wrong_state', `the task has ${attempts.length} attempts, and not this one`, { field: 'attempt' });

/** Pages through stored pieces at the reader's pace: what it has not taken stays in history. */
class Output {
  readonly #ask: Ask;
  readonly #isText: boolean;
  readonly #only: unknown;

  constructor(ask: Ask, { isText, stream }: { readonly isText: boolean; readonly stream: unknown }) {
    this.#ask = ask;
    this.#isText = isText;
    this.#only = stream;
  }

  async whole(sink: Sink, attempt: AttemptRecord | undefined): Promise<void> {
    if (attempt) await this.#sendAfter(sink, attempt.token, 0);
  }

  /** Ends when the task has ended and all is sent, or when the reader or the host goes. */
  async follow(sink: Sink, first: TaskRecord, start: AttemptRecord | undefined): Promise<void> {
    const { caller } = this.#ask;
    const { taskId } = first;
    caller.onLog(sink.wake);
    const watched = await caller.call('watchLog', { taskId, on: true });
    if (!watched.ok) return;
    let place = { attempt: (start?.attempt ?? 1) - 1, token: 0, after: 0 };
    let silentMs = 0;
    while (!caller.isClosed()) {
      // Read before the pieces: what an ended task printed is all stored then.
      const record = await this.#recordOf(taskId);
      if (record === undefined) return;
      const next = await this.#sendNew(sink, record, place);
      if (next === undefined) return;
      silentMs = next.after === place.after ? silentMs + lookAgainMs : 0;
      place = next;
      if (isEnded(record.state)) {
        await this.#event(sink, 'end', endOf(record));
        return;
      }
      if (silentMs >= keepAliveMs) {
        silentMs = 0;
        if (!this.#isText && !(await sink.write(': still here\n\n'))) return;
      }
      await sink.pause(lookAgainMs);
    }
  }

  /** Sends what came since `place`, over the attempts that began since. Undefined: the reader has gone. */
  async #sendNew(
    sink: Sink,
    { attempts }: TaskRecord,
    place: { readonly attempt: number; readonly token: number; readonly after: number },
  ): Promise<typeof place | undefined> {
    let { attempt: number, token, after } = place;
    if (token !== 0) {
      const sent = await this.#sendAfter(sink, token as Token, after);
      if (sent === undefined) return undefined;
      after = sent;
    }
    for (const attempt of attempts) {
      if (attempt.attempt <= number) continue;
      const { nodeId } = attempt;
      number = attempt.attempt;
      token = attempt.token;
      if (!(await this.#event(sink, 'attempt', { attempt: number, token, nodeId }))) return undefined;
      const sent = await this.#sendAfter(sink, attempt.token, 0);
      if (sent === undefined) return undefined;
      after = sent;
    }
    return { attempt: number, token, after };
  }

  /** The number of the last piece sent; undefined where the reader has gone. */
  async #sendAfter(sink: Sink, token: Token, from: number): Promise<number | undefined> {
    let after = from;
    for (;;) {
      const page = await this.#ask.caller.call('readLog', { token, after, limit: pageRowsMax });
      if (!page.ok) return undefined;
      const { pieces } = page.value;
      const wanted = pieces.filter(({ stream }) => this.#only === undefined || stream === this.#only);
      if (wanted.length > 0 && !(await sink.write(wanted.map((piece) => this.#textOf(piece)).join(''))))
        return undefined;
      after = pieces.at(-1)?.piece ?? after;
      if (pieces.length < pageRowsMax) return after;
    }
  }

  #textOf(piece: LogPiece): string {
    if (!this.#isText) return sse('piece', piece);
    const { text, droppedBytes } = piece;
    return droppedBytes === undefined ? text : `${text}\n[${droppedBytes} bytes more were not kept]\n`;
  }

  async #event(sink: Sink, event: string, value: unknown): Promise<boolean> {
    return this.#isText || (await sink.write(sse(event, value)));
  }

  async #recordOf(taskId: TaskId): Promise<TaskRecord | undefined> {
    const detail = await this.#ask.caller.call('getTask', { taskId });
    return detail.ok ? detail.value.record : undefined;
  }
}

const sse = (event: string, value: unknown): string => `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`;

function endOf({ state, attempts, reason }: TaskRecord): object {
  const exitCode = attempts.at(-1)?.end?.exitCode;
  return { state, ...(exitCode !== undefined && { exitCode }), ...(reason !== undefined && { reason }) };
}

// Submits the plant's tasks over the console wire, as a program would: queues first, then arrivals by the hour.
import { io, type Socket } from 'socket.io-client';
import {
  consoleNamespace,
  type Method,
  type ParamsInput,
  type Reply,
} from '../../scheduler/protocol/consoleWire.ts';
import type { SubmitAnswer } from '../../scheduler/protocol/consoleAnswers.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { nextTask, queuesOfMix } from './taskMix.ts';
import { type HubTrust, TlsLine } from '../trust.ts';

export interface SubmitterOptions {
  readonly hub: string;
  readonly consoleToken: string;
  /** Absent: plain text. */
  readonly trust: HubTrust | undefined;
  readonly lines: readonly string[];
  /** Tasks per second, now. */
  readonly ratePerS: () => number;
  readonly onTrouble: (message: string) => void;
}
const tickMs = 250;
/** A host that answers nothing gets no more. */
const unansweredMax = 8;
const pauseWhenFullMs = 5_000;

type Link = Socket<{ m: (message: unknown) => void }, { m: (message: unknown) => void }>;

export class Submitter {
  readonly #options: SubmitterOptions;
  readonly #socket: Link;
  #timer: NodeJS.Timeout | undefined;
  #id = 0;
  #unanswered = 0;
  #owed = 0;
  #resumeAtMs = 0;
  #submitted = 0;

  constructor(options: SubmitterOptions) {
    this.#options = options;
    this.#socket = io(`${options.hub.replace(/\/+$/, '')}${consoleNamespace}`, {
      transports: ['websocket'],
      forceNew: true,
      // The library's types know of browsers only, where there is none.
      ...(options.trust && { agent: new TlsLine(options.trust) as unknown as string }),
      auth: { wire: consoleWireVersion, token: options.consoleToken },
    });
    this.#socket.on('connect', () => {
      this.#unanswered = 0;
      for (const queue of queuesOfMix) this.#ask('putQueue', queue);
    });
    this.#socket.on('connect_error', ({ message }) => {
      this.#options.onTrouble(`tasks are not submitted: ${message}`);
    });
    this.#socket.on('m', (message) => {
      this.#take(message);
    });
  }

  get submitted(): number {
    return this.#submitted;
  }

  start(): void {
    this.#timer = setInterval(() => {
      this.#tick();
    }, tickMs);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#socket.disconnect();
  }

  #tick(): void {
    const isHeldBack = this.#unanswered >= unansweredMax || performance.now() < this.#resumeAtMs;
    if (!this.#socket.connected || isHeldBack) return;
    this.#owed += (this.#options.ratePerS() * tickMs * (0.5 + Math.random())) / 1_000;
    const due = Math.floor(this.#owed);
    if (due === 0) return;
    this.#owed -= due;
    const specs = Array.from({ length: due }, () => nextTask(this.#options.lines, Math.random));
    this.#submitted += due;
    this.#ask('submitTasks', { specs });
  }

  #ask<M extends Method>(method: M, params: ParamsInput<M>): void {
    this.#id += 1;
    this.#unanswered += 1;
    this.#socket.emit('m', { id: this.#id, method, params });
  }

  /** The host's own pushes are not asked for; what is no reply is left alone. */
  #take(message: unknown): void {
    if (typeof message !== 'object' || message === null || !('id' in message)) return;
    this.#unanswered = Math.max(0, this.#unanswered - 1);
    const reply = message as Reply;
    const refused = reply.ok ? firstRefused(reply.result) : reply.refusal;
    if (!refused) return;
    this.#options.onTrouble(refused.message);
    this.#resumeAtMs = performance.now() + (refused.retryAfterMs ?? pauseWhenFullMs);
  }
}

function firstRefused(result: unknown) {
  if (typeof result !== 'object' || result === null || !('answers' in result)) return undefined;
  const answers = result.answers as readonly SubmitAnswer[];
  for (const answer of answers) if (!answer.ok) return answer.refusal;
  return undefined;
}

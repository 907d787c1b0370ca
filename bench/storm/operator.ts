// An operator who looks at the plant all the while: asks the host something every 50 ms, and notes how long each answer
// took. Comes back by itself when the host does.
import { io, type Socket } from 'socket.io-client';
import type { FromHost } from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';

const askEveryMs = 50;
const questions = [
  { method: 'getSummary', params: {} },
  { method: 'listTasks', params: { filter: {}, limit: 50 } },
] as const;

export class Operator {
  readonly #socket: Socket;
  readonly #asked = new Map<number, number>();
  readonly #timer: NodeJS.Timeout;
  #tookMs: number[] = [];
  #refused = 0;
  #lastId = 0;

  constructor(hub: string, token: string) {
    const auth = { wire: consoleWireVersion, token };
    this.#socket = io(`${hub}/console`, {
      ...{ transports: ['websocket'], forceNew: true, auth },
      ...{ reconnectionDelay: 250, reconnectionDelayMax: 250 },
    });
    this.#socket.on('m', (message: FromHost) => {
      if ('id' in message) this.#answered(message.id, message.ok);
    });
    // What was asked of a host that is gone has no answer: how long it was away is a figure of its own.
    this.#socket.on('disconnect', () => {
      this.#asked.clear();
    });
    this.#timer = setInterval(() => {
      if (this.#socket.connected) this.#ask();
    }, askEveryMs);
  }

  /** Since the last call. What has no answer yet counts with the time it has waited. */
  take(): { readonly tookMs: readonly number[]; readonly refused: number } {
    const waiting = [...this.#asked.values()].map((atMs) => performance.now() - atMs);
    const taken = {
      tookMs: [...this.#tookMs, ...waiting.filter((ms) => ms > askEveryMs)],
      refused: this.#refused,
    };
    this.#tookMs = [];
    this.#refused = 0;
    return taken;
  }

  close(): void {
    clearInterval(this.#timer);
    this.#socket.close();
  }

  #ask(): void {
    this.#lastId += 1;
    this.#asked.set(this.#lastId, performance.now());
    this.#socket.emit('m', { id: this.#lastId, ...questions[this.#lastId % questions.length] });
  }

  #answered(id: number, isOk: boolean): void {
    const atMs = this.#asked.get(id);
    if (atMs === undefined) return;
    this.#asked.delete(id);
    this.#tookMs.push(performance.now() - atMs);
    if (!isOk) this.#refused += 1;
  }
}

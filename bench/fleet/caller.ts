// Submits the bench's tasks over the console's wire at a steady rate, and remembers when each left; beside it the bare
// echoes, which leave at the same moments.
import { io, type Socket } from 'socket.io-client';
import type { SubmitAnswer } from '../../scheduler/protocol/consoleAnswers.ts';
import type { FromHost } from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';

const tickMs = 5;

export interface Sent {
  /** Task or echo number -> when it left, monotonic, in nanoseconds. */
  readonly tasks: ReadonlyMap<number, number>;
  readonly echoes: ReadonlyMap<number, number>;
  /** Tasks that the host did not take: its queue of commands or of the ready was full. */
  readonly refused: number;
}

export class Caller {
  readonly #console: Socket;
  readonly #echo: WebSocket;
  readonly #calls = new Map<number, number>();
  #tasks = new Map<number, number>();
  #echoes = new Map<number, number>();
  #refused = 0;
  #calling = 0;

  private constructor(console: Socket, echo: WebSocket) {
    this.#console = console;
    this.#echo = echo;
    console.on('m', (message: FromHost) => {
      this.#answered(message);
    });
  }

  static async connect(hub: string, token: string, echoUrl: string): Promise<Caller> {
    const auth = { wire: consoleWireVersion, token };
    const console = io(`${hub}/console`, { transports: ['websocket'], forceNew: true, auth });
    const echo = new WebSocket(echoUrl);
    await new Promise<void>((resolve, reject) => {
      console.once('connect', resolve);
      console.once('connect_error', reject);
    });
    if (echo.readyState !== WebSocket.OPEN)
      await new Promise((resolve) => {
        echo.addEventListener('open', resolve, { once: true });
      });
    return new Caller(console, echo);
  }

  /** Open loop: slow answers do not slow the sending down. Up to 50 a second go one by one, each with an echo. */
  async steady(perS: number, forMs: number): Promise<void> {
    const startMs = performance.now();
    const total = Math.round((perS * forMs) / 1_000);
    for (let sent = 0; sent < total;) {
      const due = Math.min(total, Math.floor(((performance.now() - startMs) * perS) / 1_000) + 1);
      if (due > sent) this.#send(due - sent);
      sent = due;
      await new Promise((resolve) => setTimeout(resolve, tickMs));
    }
  }

  /** What was sent since the last call. */
  take(): Sent {
    const sent = { tasks: this.#tasks, echoes: this.#echoes, refused: this.#refused };
    this.#tasks = new Map();
    this.#echoes = new Map();
    this.#refused = 0;
    return sent;
  }

  get unanswered(): number {
    return this.#calls.size;
  }

  close(): void {
    this.#console.close();
    this.#echo.close();
  }

  #send(count: number): void {
    this.#calling += 1;
    const id = this.#calling;
    const one = { work: { kind: 'simulated', runMs: 0 }, ask: { cpu: 10, memory: 8 } };
    const specs = Array.from({ length: count }, () => one);
    this.#calls.set(id, now());
    this.#console.emit('m', { id, method: 'submitTasks', params: { specs } });
    this.#echoes.set(id, now());
    this.#echo.send(String(id));
  }

  #answered(message: FromHost): void {
    if (!('id' in message)) return;
    const sentNs = this.#calls.get(message.id);
    if (sentNs === undefined) return;
    this.#calls.delete(message.id);
    if (!message.ok) throw new Error(`submit was refused: ${message.refusal.message}`);
    for (const answer of (message.result as { answers: SubmitAnswer[] }).answers)
      if (answer.ok) this.#tasks.set(answer.taskId, sentNs);
      else this.#refused += 1;
  }
}

const now = (): number => Number(process.hrtime.bigint());

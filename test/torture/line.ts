// The line between one agent and the host: a TCP proxy that can be cut, or fall silent in one or both directions while
// both ends believe it open. What waits on a silent line comes later, as TCP sends it again, or is lost with a reset.
import { createServer, type Server, Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import type { Direction } from './plan.ts';

interface Pair {
  readonly agent: Socket;
  readonly host: Socket;
}

export class Line {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #target: number | undefined;
  #silent: Direction | undefined;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      this.#connect(socket);
    });
  }

  static async open(): Promise<Line> {
    // Half-closed ends pass on one by one, as they would on a wire.
    const server = createServer({ allowHalfOpen: true });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return new Line(server);
  }

  get address(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Where the host listens now. Undefined: nobody answers there, connections are reset. */
  leadTo(port: number | undefined): void {
    this.#target = port;
  }

  /** All connections end at once, at both ends. */
  cut(): void {
    for (const { agent, host } of [...this.#pairs]) {
      agent.resetAndDestroy();
      host.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** `up`: from the agent to the host. New connections are taken and stay as silent. */
  fallSilent(direction: Direction): void {
    this.#silent = direction;
    for (const pair of this.#pairs) this.#hold(pair);
  }

  speak(): void {
    this.#silent = undefined;
    for (const { agent, host } of this.#pairs) {
      agent.resume();
      host.resume();
    }
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  #connect(agent: Socket): void {
    agent.on('error', () => undefined);
    if (this.#target === undefined) {
      agent.resetAndDestroy();
      return;
    }
    const host = new Socket({ allowHalfOpen: true });
    host.on('error', () => undefined);
    host.connect(this.#target, '127.0.0.1');
    const pair = { agent, host };
    this.#pairs.add(pair);
    this.#join(agent, host, pair);
    this.#join(host, agent, pair);
    this.#hold(pair);
  }

  #join(from: Socket, to: Socket, pair: Pair): void {
    from.on('data', (chunk) => {
      if (!to.destroyed) to.write(chunk);
    });
    from.on('end', () => {
      if (!to.destroyed) to.end();
    });
    // An end that is gone without a goodbye is one on the other side too, unless the line is silent there.
    from.on('close', (hadError) => {
      if (!this.#pairs.has(pair)) return;
      if (this.#isHeld(from === pair.agent ? 'up' : 'down')) return;
      this.#pairs.delete(pair);
      if (hadError) to.resetAndDestroy();
      else to.end();
    });
  }

  #hold({ agent, host }: Pair): void {
    if (this.#isHeld('up')) agent.pause();
    if (this.#isHeld('down')) host.pause();
  }

  #isHeld(direction: 'up' | 'down'): boolean {
    return this.#silent === 'both' || this.#silent === direction;
  }
}

// What strangers and neighbours may do to the sockets of this process, before and beside what their messages say:
// connections per address, half-open ones, messages and bytes per second. What exceeds is counted and told.
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { Ms } from '../protocol/brands.ts';
import * as limits from '../protocol/limits.ts';
import { ConnectionRate } from './connectionRate.ts';
import { HalfOpen } from './halfOpen.ts';
import { MinuteLimit } from './minuteLimit.ts';
import type { RefusedAddresses } from './refusedAddresses.ts';

/** At the socket itself, so that its listeners are the same for all: one each would be 50,000 of them. */
const watchedKey = Symbol('watched');
interface Watched {
  readonly rate: ConnectionRate;
  readonly address: string;
  readonly below: WebSocketBelow;
}
type PacketListener = (this: EngineSocket, packet: { readonly data?: unknown }) => void;
type PingListener = (this: WebSocketBelow, data: Buffer) => void;

/** Engine.IO's socket and the WebSocket below it, as far as they are used here. */
export interface EngineSocket {
  [watchedKey]?: Watched;
  readonly request: IncomingMessage;
  readonly transport: object;
  readonly on: (event: 'packet', listener: PacketListener) => unknown;
  readonly close: (discard?: boolean) => unknown;
}
interface WebSocketBelow {
  [watchedKey]?: Watched;
  readonly on: (event: 'ping' | 'pong', listener: PingListener) => unknown;
  readonly pause: () => void;
  readonly resume: () => void;
  readonly terminate: () => void;
}

interface GuardOptions {
  readonly clock: () => Ms;
  readonly refusals: RefusedAddresses;
  readonly connectionsPerAddress: number;
}

export class ConnectionGuard {
  readonly #clock: () => Ms;
  readonly #refusals: RefusedAddresses;
  readonly #connections: MinuteLimit;
  readonly #perAddress: number;
  readonly #halfOpen: HalfOpen;
  readonly #onPacket: PacketListener;
  readonly #onPing: PingListener;

  constructor({ clock, refusals, connectionsPerAddress }: GuardOptions) {
    this.#clock = clock;
    const count = this.#count.bind(this);
    this.#onPacket = function ({ data }) {
      if (this[watchedKey]) count(this[watchedKey], lengthOf(data));
    };
    this.#onPing = function ({ length }) {
      if (this[watchedKey]) count(this[watchedKey], length);
    };
    this.#refusals = refusals;
    this.#perAddress = connectionsPerAddress;
    this.#connections = new MinuteLimit(connectionsPerAddress, limits.countedAddressesMax, clock);
    this.#halfOpen = new HalfOpen((address, message) => {
      this.#limit(address, 'half_open', message);
    });
  }

  get halfOpen(): number {
    return this.#halfOpen.count;
  }

  watchServer(http: HttpServer): void {
    http.on('connection', (socket) => {
      this.#halfOpen.add(socket);
    });
    http.on('request', ({ socket, headers }, response) => {
      const hasBody =
        headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
      if (!hasBody) {
        this.#halfOpen.settled(socket);
        return;
      }
      this.#halfOpen.reading(socket);
      response.once('close', () => {
        this.#halfOpen.settled(socket);
      });
    });
  }

  /** False: this address has opened as many connections within a minute as one may. */
  mayConnect({ socket }: IncomingMessage): boolean {
    const { remoteAddress: address = '' } = socket;
    if (this.#connections.waitMs(address) > 0) {
      this.#limit(address, 'connections', `more than ${this.#perAddress} connections in a minute`);
      return false;
    }
    this.#connections.add(address);
    return true;
  }

  /** Reads no faster than the rate; closes what does not come below it. */
  watch(engine: EngineSocket): void {
    const below = 'socket' in engine.transport ? engine.transport.socket : undefined;
    if (!isWebSocket(below)) return;
    const { remoteAddress = '' } = engine.request.socket;
    const watched: Watched = { rate: new ConnectionRate(), address: remoteAddress, below };
    engine[watchedKey] = below[watchedKey] = watched;
    engine.on('packet', this.#onPacket);
    below.on('ping', this.#onPing);
    below.on('pong', this.#onPing);
  }

  #count({ rate, address, below }: Watched, bytes: number): void {
    const pauseMs = rate.take(bytes, this.#clock());
    if (pauseMs === 0) return;
    if (pauseMs === 'close') {
      this.#limit(address, 'rate', `above its rate for ${limits.overRateMsMax / 1_000} s; it is closed`);
      below.terminate();
      return;
    }
    this.#refusals.slowed();
    below.pause();
    setTimeout(() => {
      below.resume();
    }, pauseMs);
  }

  /** An agent or a console was let in. */
  admitted({ socket }: IncomingMessage): void {
    this.#halfOpen.settled(socket);
  }

  stop(): void {
    this.#halfOpen.stop();
  }

  #limit(address: string, code: string, message: string): void {
    this.#refusals.tell({ action: 'rate_limited', address, code, message });
  }
}

const lengthOf = (data: unknown): number =>
  typeof data === 'string' || Buffer.isBuffer(data) ? data.length : 0;

function isWebSocket(below: unknown): below is WebSocketBelow {
  return (
    typeof below === 'object' &&
    below !== null &&
    ['on', 'pause', 'resume', 'terminate'].every((name) => typeof Reflect.get(below, name) === 'function')
  );
}

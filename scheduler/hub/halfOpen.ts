// Connections that are nobody's yet: from the first byte until a whole request, or until an agent or a console was let
// in. Bounded in number and in bytes, so that who only opens them, or sends them byte by byte, takes nobody's place.
import type { Socket } from 'node:net';
import { halfOpenBytesMax, halfOpenMax } from '../protocol/limits.ts';

const checkEveryMs = 1_000;

interface Opening {
  readonly socket: Socket;
  readonly address: string;
  readonly onClose: () => void;
  /** A request whose body is read: that has a bound of its own. */
  isRequest: boolean;
}

export class HalfOpen {
  readonly #onDropped: (address: string, why: string) => void;
  readonly #max: number;
  /** By address and port, the oldest first: the same key over plain TCP and over TLS. */
  readonly #opening = new Map<string, Opening>();
  #timer: NodeJS.Timeout | undefined;

  constructor(onDropped: (address: string, why: string) => void, max = halfOpenMax) {
    this.#onDropped = onDropped;
    this.#max = max;
  }

  get count(): number {
    return this.#opening.size;
  }

  add(socket: Socket): void {
    const key = keyOf(socket);
    const { remoteAddress: address = '' } = socket;
    if (this.#opening.size >= this.#max) this.#dropOldest();
    const onClose = (): void => {
      if (this.#opening.get(key)?.socket === socket) this.#opening.delete(key);
    };
    this.#opening.set(key, { socket, address, onClose, isRequest: false });
    socket.once('close', onClose);
    this.#timer ??= setInterval(() => {
      this.#check();
    }, checkEveryMs);
  }

  /** It was let in, or has sent all it was to send. */
  settled(socket: Socket): void {
    const key = keyOf(socket);
    const opening = this.#opening.get(key);
    if (!opening) return;
    this.#opening.delete(key);
    opening.socket.off('close', opening.onClose); // it stays for long: nothing of this should
  }

  /** Its head is there, its body follows. */
  reading(socket: Socket): void {
    const found = this.#opening.get(keyOf(socket));
    if (found) found.isRequest = true;
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#opening.clear();
  }

  #dropOldest(): void {
    for (const [key, oldest] of this.#opening) {
      this.#drop(key, oldest, `${this.#max} connections are half open, and this is the oldest of them`);
      return;
    }
  }

  #check(): void {
    for (const [key, opening] of this.#opening)
      if (!opening.isRequest && opening.socket.bytesRead > halfOpenBytesMax)
        this.#drop(key, opening, `more than ${halfOpenBytesMax} bytes before it was let in`);
    if (this.#opening.size === 0) this.stop();
  }

  #drop(key: string, { socket, address }: Opening, why: string): void {
    this.#opening.delete(key);
    socket.destroy();
    this.#onDropped(address, why);
  }
}

const keyOf = ({ remoteAddress = '', remotePort = 0 }: Socket): string => `${remoteAddress} ${remotePort}`;

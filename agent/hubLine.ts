// The socket to the hub and the port it goes to: the one that was handed out, and the first port again where nobody
// answers there.
import type { HubSocket } from './hubSocket.ts';

const portsMax = 65_535;

export class HubLine {
  readonly #firstUrl: string;
  readonly #open: (url: string) => HubSocket;
  #handed: number | undefined;
  #isAtFirst = true;
  #url: string;
  #socket: HubSocket;

  /** `firstUrl`: the address the agent was started with. `open`: makes a socket with its listeners, unconnected. */
  constructor(firstUrl: string, open: (url: string) => HubSocket) {
    this.#firstUrl = firstUrl;
    this.#open = open;
    this.#url = firstUrl;
    this.#socket = open(firstUrl);
  }

  get socket(): HubSocket {
    return this.#socket;
  }

  /** A socket keeps the address it was made with: another port takes another socket. */
  readonly connect = (): void => {
    const url = this.#wanted();
    if (url !== this.#url) {
      this.#socket.off();
      this.#socket.disconnect();
      this.#url = url;
      this.#socket = this.#open(url);
    }
    this.#socket.connect();
  };

  /** False where it is no port: the message that handed it is then a refusal as any other. */
  handed(port: number | undefined): boolean {
    if (port === undefined || !Number.isInteger(port) || port < 1 || port > portsMax) return false;
    this.#handed = port;
    this.#isAtFirst = false;
    return true;
  }

  /** Nobody there, or no place: the other of the two is tried next. A whole hub that restarts is found at either. */
  failed(): void {
    this.#isAtFirst = !this.#isAtFirst || this.#handed === undefined;
  }

  /** Where the first port takes the agent itself, what it was handed before is void. */
  joined(): void {
    if (this.#isAtFirst) this.#handed = undefined;
  }

  #wanted(): string {
    if (this.#isAtFirst || this.#handed === undefined) return this.#firstUrl;
    const url = new URL(this.#firstUrl);
    url.port = String(this.#handed);
    return url.href;
  }
}

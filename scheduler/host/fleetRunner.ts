// The simulated plant's process, as the host sees it: whoever started the host runs it.
import type { FromHostProcess } from '../protocol/hostLink.ts';

export interface FleetLaunch {
  readonly args: readonly string[];
  /** Added to the environment: tokens do not belong on a command line, which everybody on the machine can read. */
  readonly env: Readonly<Record<string, string>>;
}
export interface FleetRunner {
  /** `onEnded`: by itself, before `stop` was called. */
  readonly start: (launch: FleetLaunch, onEnded: (code: number | null) => void) => void;
  /** Resolves when it is gone, or after `stopWithinMs` at the latest. */
  readonly stop: () => Promise<void>;
}

/** The starter kills it after 10 s. */
const stopWithinMs = 12_000;

/** Over the messages of hostLink. */
export class LinkedFleet implements FleetRunner {
  readonly #send: (message: FromHostProcess) => void;
  #onEnded: ((code: number | null) => void) | undefined;

  constructor(send: (message: FromHostProcess) => void) {
    this.#send = send;
  }

  readonly start = (launch: FleetLaunch, onEnded: (code: number | null) => void): void => {
    this.#onEnded = onEnded;
    this.#send({ kind: 'startFleet', ...launch });
  };

  readonly stop = async (): Promise<void> => {
    if (!this.#onEnded) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, stopWithinMs);
      this.#onEnded = () => {
        resolve();
      };
      this.#send({ kind: 'stopFleet' });
    });
    clearTimeout(timer);
    this.#onEnded = undefined;
  };

  /** The starter says that the process is gone. */
  ended(code: number | null): void {
    const told = this.#onEnded;
    this.#onEnded = undefined;
    told?.(code);
  }
}

// The agent's sign of life: spread over the interval, so that a fleet that joins together does not beat together.
import type { HeartbeatFrame } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import { cpuMillicoresMax, heldAttemptsMax, memoryMiBMax } from '../scheduler/protocol/limits.ts';
import type { AttemptExecutor } from './attemptExecutor.ts';

/** The first comes soon, so that a new node shows its use; the second finds the phase that the others keep. */
const firstWithinMs = 2_000;

export class Heartbeat {
  readonly #beat: () => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(beat: () => void) {
    this.#beat = beat;
  }

  start(everyMs: number): void {
    this.stop();
    this.#timer = setTimeout(
      () => {
        this.#beat();
        this.#timer = setTimeout(
          () => {
            this.#beat();
            this.#timer = setInterval(this.#beat, everyMs);
          },
          everyMs * (0.1 + 0.9 * Math.random()),
        );
      },
      Math.random() * Math.min(firstWithinMs, everyMs),
    );
  }

  stop(): void {
    // One handle, timeout or interval: Node clears both the same way.
    clearTimeout(this.#timer);
  }
}

/** `waiting`: attempts that begin once the hub has confirmed their leases. */
export function heartbeatFrame(executor: AttemptExecutor, waiting: readonly Token[]): HeartbeatFrame {
  const { cpuMillicores, memoryMiB } = executor.use();
  return [
    Math.min(cpuMillicores, cpuMillicoresMax),
    Math.min(memoryMiB, memoryMiBMax),
    [...waiting, ...executor.running()].slice(0, heldAttemptsMax),
  ];
}

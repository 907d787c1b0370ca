// Joins of this process: their places and their room, which follows how late this event loop and the host's run.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Ms } from '../protocol/brands.ts';
import { Admission } from './admission.ts';
import { JoinRoom, paceEveryMs } from './joinRoom.ts';

/** Between two looks at the loop: 50 a second cost nothing that can be measured. */
const resolutionMs = 20;

interface PacingSetting {
  /** This process's part of the plant's joins, 0 to 1. */
  readonly share: number;
  /** Agents of the plant that are expected back, each at its own place. */
  readonly returning: number;
  readonly clock: () => Ms;
}

export class JoinPacing {
  readonly admission: Admission;
  readonly #room: JoinRoom;
  readonly #late = monitorEventLoopDelay({ resolution: resolutionMs });
  readonly #timer: NodeJS.Timeout;
  #lateMs = 0;

  constructor({ share, returning, clock }: PacingSetting) {
    this.#room = new JoinRoom(share);
    this.admission = new Admission(this.#room, { share, returning: returning * share, clock });
    this.#late.enable();
    this.#timer = setInterval(() => {
      this.#measure();
    }, paceEveryMs);
    this.#timer.unref();
  }

  /** By which places of a return are given. */
  get slotsPerSecond(): number {
    return this.#room.perSecond;
  }
  /** How late the loop ran at most, within the last `paceEveryMs`. */
  get lateMs(): number {
    return this.#lateMs;
  }

  /** How late the host says it is. */
  heardOfHost(lateMs: number): void {
    this.#room.heardOfHost(lateMs);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#late.disable();
  }

  #measure(): void {
    // The histogram holds the time between two looks, in nanoseconds.
    this.#lateMs = Math.max(0, this.#late.max / 1e6 - resolutionMs);
    this.#late.reset();
    this.#room.measured(this.#lateMs);
    this.admission.measure();
  }
}

// The virtual plant of one process: lets its machines join at a steady pace, gives each its numbers, and its trouble.
import { useOf } from './machineUse.ts';
import { machineAt } from './plant.ts';
import { loadAt, type PlantClock } from './plantDay.ts';
import type { FleetSettings } from './fleetSettings.ts';
import { Trouble } from './trouble.ts';
import { VirtualMachine } from './virtualMachine.ts';
import type { HubTrust } from '../trust.ts';

export interface FleetEvents {
  readonly say: (message: string) => void;
  readonly onWrongToken: (message: string) => void;
}
export interface FleetCounts {
  readonly machines: number;
  readonly joined: number;
  readonly running: number;
  readonly dispatched: number;
  readonly rssMiB: number;
}

const joinTickMs = 50;
const stopsPerTurn = 500;
const minuteMs = 60_000;

export class Fleet {
  readonly #settings: FleetSettings;
  readonly #clock: PlantClock;
  readonly #events: FleetEvents;
  readonly #machines: VirtualMachine[];
  readonly #trouble: Trouble;
  readonly #timers: NodeJS.Timeout[] = [];
  #started = 0;
  #dispatched = 0;

  /** `trust`: absent where the hub speaks plain text. */
  constructor(settings: FleetSettings, clock: PlantClock, events: FleetEvents, trust?: HubTrust) {
    this.#settings = settings;
    this.#clock = clock;
    this.#events = events;
    this.#trouble = new Trouble(settings);
    const around = {
      hub: settings.hub,
      enrolToken: settings.enrolCode.token,
      trust,
      localAddressOf: addressesFor(settings.hub),
      useOf: (machine, reserved) =>
        useOf(machine, reserved, {
          load: loadAt(clock.hourOfDay()),
          minutes: clock.sinceMs() / minuteMs,
          isHot: this.#trouble.isHot(machine),
          isSlow: this.#trouble.isSlow(machine),
          seed: settings.seed,
        }),
      courseOf: (machine, work) => this.#trouble.course(machine, work),
      onJoined: () => undefined,
      onDispatch: () => {
        this.#dispatched += 1;
      },
      onWrongToken: ({ message }) => {
        events.onWrongToken(message);
      },
    } satisfies ConstructorParameters<typeof VirtualMachine>[1];
    this.#machines = Array.from(
      { length: settings.count },
      (_, at) => new VirtualMachine(machineAt(settings.first + at, settings.shape), around),
    );
  }

  start(): void {
    const perTick = (this.#settings.joinsPerS * joinTickMs) / 1_000;
    let due = 0;
    const joining = setInterval(() => {
      due += perTick;
      for (; due >= 1 && this.#started < this.#machines.length; due -= 1) {
        this.#machines[this.#started]?.powerOn();
        this.#started += 1;
      }
      if (this.#started >= this.#machines.length) clearInterval(joining);
    }, joinTickMs);
    const troubling = setInterval(() => {
      const began = this.#trouble.tick(this.#clock.sinceMs(), this.#machines.slice(0, this.#started));
      for (const what of began) this.#events.say(`incident: ${what}`);
    }, 1_000);
    this.#timers.push(joining, troubling);
  }

  counts(): FleetCounts {
    let joined = 0;
    let running = 0;
    for (const machine of this.#machines) {
      if (machine.isJoined) joined += 1;
      running += machine.runningCount;
    }
    const rssMiB = Math.round(process.memoryUsage.rss() / 1_048_576);
    return { machines: this.#machines.length, joined, running, dispatched: this.#dispatched, rssMiB };
  }

  /** Waits up to `graceMs` for what runs to end, then leaves. */
  async stop(graceMs: number): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer);
    const untilMs = performance.now() + graceMs;
    while (performance.now() < untilMs && this.counts().running > 0) await pause(100);
    for (const [at, machine] of this.#machines.entries()) {
      machine.powerOff();
      if (at % stopsPerTurn === stopsPerTurn - 1) await pause(0);
    }
    await pause(100); // goodbyes leave with the next turns
  }
}

/**
 * Sockets of a port that closed are kept for a minute by the system: a process that starts again with the same
 * addresses would be slowed by its predecessor's. So each run has a range of its own.
 */
export function addressesFor(hub: string): (index: number) => string | undefined {
  const isLocal = /\/\/(127\.|localhost)/.test(hub) && process.platform !== 'darwin';
  if (!isLocal) return () => undefined;
  const range = 1 + (process.pid % 200);
  return (index) => `127.${range}.${(index >> 7) % 250}.${1 + (index % 128)}`;
}

const pause = (forMs: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, forMs);
  });

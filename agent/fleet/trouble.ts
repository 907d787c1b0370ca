// What goes wrong in the plant: the incidents of its script, and failures that were switched on.
import { chance } from './chance.ts';
import type { FleetSettings } from './fleetSettings.ts';
import type { Machine } from './plant.ts';
import { type Incident, incidentsAt } from './plantDay.ts';
import type { VirtualMachine } from './virtualMachine.ts';

const slowFactor = 3;
/** Cells that are slow together. */
const slowCells = 3;
/** How long a flapping node is away, and how often it goes, in plant-independent time. */
const flapAwayMs = 8_000;
const flapShareOfTicks = 0.04;
const reconnectMs = 3_000;
const powerBackMs = 60_000;
const hourMs = 3_600_000;

export class Trouble {
  readonly #settings: FleetSettings;
  #incidents: readonly Incident[] = [];
  #powerless = new Set<number>();
  #ticks = 0;

  constructor(settings: FleetSettings) {
    this.#settings = settings;
  }

  isHot({ line }: Machine): boolean {
    return this.#incidents.some(({ kind, target }) => kind === 'line hot' && target === line);
  }

  isSlow({ cell }: Machine): boolean {
    return this.#incidents.some(
      ({ kind, target }) => kind === 'slow cells' && cell >= target && cell < target + slowCells,
    );
  }

  course(machine: Machine, work: { readonly runMs: number; readonly exitCode: number }) {
    const runMs = this.isSlow(machine) ? work.runMs * slowFactor : work.runMs;
    const failShare = this.#settings.failures.task ?? 0;
    const exitCode = failShare > 0 && Math.random() < failShare ? 1 : work.exitCode;
    return { runMs, exitCode };
  }

  /** Once a second. Returns what began, in words. */
  tick(sinceMs: number, machines: readonly VirtualMachine[]): string[] {
    this.#ticks += 1;
    const before = new Set(this.#incidents.map(nameOf));
    const { hasIncidents, shape, seed } = this.#settings;
    this.#incidents = hasIncidents ? incidentsAt(sinceMs, shape, seed) : [];
    this.#cutPower(machines);
    for (const machine of machines) this.#mayFail(machine);
    return this.#incidents.map(nameOf).filter((name) => !before.has(name));
  }

  #cutPower(machines: readonly VirtualMachine[]): void {
    const dark = new Set(
      this.#incidents.flatMap(({ kind, target }) => (kind === 'line without power' ? [target] : [])),
    );
    if (dark.size === 0 && this.#powerless.size === 0) return;
    for (const virtual of machines) {
      const { line } = virtual.machine;
      if (dark.has(line)) virtual.powerOff();
      else if (this.#powerless.has(line)) virtual.powerOnIn(Math.random() * reconnectMs);
    }
    this.#powerless = dark;
  }

  #mayFail(virtual: VirtualMachine): void {
    if (!virtual.hasPower) return;
    const { index } = virtual.machine;
    const draw = chance(this.#settings.seed, index, this.#ticks);
    const { disconnect = 0, power = 0, silence = 0 } = this.#settings.failures;
    const perTick = 1_000 / hourMs;
    const flaps = this.#incidents.some(({ kind, target }) => kind === 'flapping node' && target === index);
    if (flaps && draw < flapShareOfTicks) leave(virtual, flapAwayMs);
    else if (draw < disconnect * perTick) leave(virtual, reconnectMs);
    else if (draw < (disconnect + power) * perTick) leave(virtual, powerBackMs);
    else if (draw < (disconnect + power + silence) * perTick) {
      virtual.fallSilent();
      virtual.restartIn(powerBackMs);
    }
  }
}

function leave(virtual: VirtualMachine, forMs: number): void {
  virtual.powerOff();
  virtual.powerOnIn(forMs * (0.5 + Math.random()));
}

const nameOf = ({ kind, target, startMs }: Incident): string => `${kind} (${target}) at ${startMs} ms`;

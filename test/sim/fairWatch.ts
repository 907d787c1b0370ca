// Are shares fair over time, not only at each placement? For two queues, or two tenants of one queue, that both have
// work waiting which any node with room could take:
//
//   mean of level = 1/(b - a) * integral over [a, b] of (dominant share held / weight)
//   | mean of one - mean of the other |  <=  5 % of the larger mean + the share of one task / the lesser weight
//
// [a, b] begins when both have waited for the same ask since their levels last were within one task of each other, and
// ends when one of them has nothing left to wait; it counts from `windowMs` on. All that both hold must be of that ask:
// what only one of them could use does not belong to the comparison.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { Line } from '../../scheduler/core/queue/line.ts';
import type { AskClass } from '../../scheduler/core/state/classTable.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { Amounts } from '../../scheduler/protocol/view.ts';
import type { Report } from './audit.ts';
import type { SettingsBooks } from './settingsBooks.ts';
import { amountsOf, lineKey, plantOf, queueKey, type ShareBooks } from './shareBooks.ts';

const windowMs = 10_000;
const unfairMost = 0.05;
/** Beyond this time between two turns the host was away, or its clock jumped: nobody shared anything. */
const awayMs = 5_000;

interface Party {
  readonly key: string;
  readonly weight: number;
  readonly ask: AskClass;
  /** Dominant share by weight. */
  readonly level: number;
}
interface Window {
  ms: number;
  readonly sums: [number, number];
  /** Share of one task by weight, integrated: the plant may change. */
  grain: number;
}

export class FairWatch {
  readonly counts = { windows: 0, worst: 0 };
  readonly #report: Report;
  readonly #books: ShareBooks;
  readonly #settings: SettingsBooks;
  readonly #windows = new Map<string, Window>();
  #pairs: readonly (readonly [Party, Party, number])[] = [];
  #atMs = 0;

  constructor(report: Report, books: ShareBooks, settings: SettingsBooks) {
    this.#report = report;
    this.#books = books;
    this.#settings = settings;
  }

  /** After the books have taken the turn. */
  turned(core: Core): void {
    const { nowMs } = core.state.ready;
    const gapMs = nowMs - this.#atMs;
    const passedMs = gapMs > awayMs ? 0 : Math.max(0, gapMs);
    this.#atMs = nowMs;
    // What was held since the last turn was held for all of that time.
    for (const [one, other, grain] of this.#pairs) this.#add(one, other, { grain, passedMs });
    this.#pairs = this.#pairsNow(core);
    const names = new Set(this.#pairs.map(nameOf));
    for (const [name, window] of this.#windows)
      if (!names.has(name)) {
        this.#judge(name, window);
        this.#windows.delete(name);
      }
  }
  finish(): void {
    for (const [name, window] of this.#windows) this.#judge(name, window);
    this.#windows.clear();
  }

  #add(one: Party, other: Party, { grain, passedMs }: { grain: number; passedMs: number }): void {
    const name = nameOf([one, other]);
    let window = this.#windows.get(name);
    if (!window) {
      if (Math.abs(one.level - other.level) > grain + rounding) return;
      this.#windows.set(name, (window = { ms: 0, sums: [0, 0], grain: 0 }));
    }
    window.ms += passedMs;
    window.sums[0] += passedMs * one.level;
    window.sums[1] += passedMs * other.level;
    window.grain += passedMs * grain;
  }

  #judge(name: string, { ms, sums, grain }: Window): void {
    if (ms < windowMs) return;
    const [one, other] = [sums[0] / ms, sums[1] / ms];
    const most = unfairMost * Math.max(one, other) + grain / ms;
    this.counts.windows += 1;
    if (Math.abs(one - other) > most)
      this.#report(
        'fair',
        `${name}: ${one.toFixed(4)} and ${other.toFixed(4)} of the plant by weight, as a mean over ${(ms / 1_000).toFixed(1)} s`,
      );
  }

  #pairsNow(core: Core): readonly (readonly [Party, Party, number])[] {
    const { state } = core;
    const plant = plantOf(core);
    const parties: Party[][] = [[]];
    for (const { name, settings, lines } of state.ready.queues.values()) {
      const set = this.#settings.queues.get(name) ?? settings;
      const known = [...lines.values()];
      if (set.mode === 'paused' || set.order === 'slowdown') continue;
      const queue = this.#partyOf(core, known, { key: queueKey({ queue: name }), settings: set, plant });
      if (!queue) continue;
      if (isPlain(set) && known.every(({ tenant }) => isPlain(this.#settings.ofTenant(tenant.name))))
        parties[0]?.push(queue);
      parties.push(
        known.flatMap((line) => {
          const tenant = line.tenant.name;
          const settings = this.#settings.ofTenant(tenant);
          const key = lineKey({ queue: name, tenant });
          const party = this.#partyOf(core, [line], { key, settings, plant });
          return party && isPlain(settings) && isPlain(set) ? [party] : [];
        }),
      );
    }
    return parties.flatMap((alike) =>
      alike.flatMap((one, at) =>
        alike
          .slice(at + 1)
          .filter((other) => other.ask === one.ask)
          .map((other) => [one, other, grainOf(one, other, plant)] as const),
      ),
    );
  }

  /** Undefined where it waits for nothing, or for more than one ask, or holds something else. */
  #partyOf(
    { state }: Core,
    lines: readonly Line[],
    { key, settings, plant }: { key: string; settings: QueueSettings | TenantSettings; plant: Amounts },
  ): Party | undefined {
    const waiting = lines.filter((line) => line.waiting > 0);
    const [ask, ...others] = new Set(
      waiting.flatMap(({ lanes }) => [...lanes.values()].map(({ askClass }) => askClass)),
    );
    if (!ask || others.length > 0 || ask.gangSize > 0 || ask.rules || ask.places.length > 0) return undefined;
    const held = this.#books.heldBy(key);
    const each = amountsOf({ ask: ask.ask });
    if (held.cpu !== held.active * each.cpu || held.memory !== held.active * each.memory) return undefined;
    if (state.nodes.size === 0 || settings.weight === 0) return undefined;
    return { key, weight: settings.weight, ask, level: shareOf(held, plant) / settings.weight };
  }
}

const rounding = 1e-9;
const nameOf = ([one, other]: readonly [Party, Party, ...unknown[]]): string => `${one.key} and ${other.key}`;
const isPlain = (settings: QueueSettings | TenantSettings): boolean =>
  settings.runningMax === undefined &&
  settings.burst === undefined &&
  settings.guaranteed === undefined &&
  (!('ratePerS' in settings) || settings.ratePerS === undefined);

function shareOf(has: Amounts, plant: Amounts): number {
  const of = (amount: number, all: number): number => (all > 0 ? amount / all : 0);
  return Math.max(of(has.cpu, plant.cpu), of(has.memory, plant.memory), of(has.gpu, plant.gpu));
}
const grainOf = (one: Party, other: Party, plant: Amounts): number =>
  shareOf(amountsOf({ ask: one.ask.ask }), plant) / Math.min(one.weight, other.weight);

// Are shares fair over time, not only at each placement? For two queues, or two tenants of the only queue that waits:
//
//   mean of level = 1/(b - a) * integral over [a, b] of (dominant share held / weight)
//   | mean of one - mean of the other |  <=  5 % of the larger mean + the share of one task / the lesser weight
//
// All that wait, wait for one ask and hold nothing else: what only one of them could use does not belong to the
// comparison. [a, b] begins when the levels of all that wait are within one task of each other, or `settleMs` after they
// began to wait, and ends when one of them has nothing left to wait, when another one comes, when a node comes or goes,
// or when weights change; it counts from `windowMs` on. What one of them loses with a node nobody can give back to him
// but the ends of others.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import type { Line } from '../../scheduler/core/queue/line.ts';
import type { AskClass } from '../../scheduler/core/state/classTable.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import type { QueueSettings, TenantSettings } from '../../scheduler/protocol/queue.ts';
import type { Amounts } from '../../scheduler/protocol/view.ts';
import type { Report } from './audit.ts';
import type { SettingsBooks } from './settingsBooks.ts';
import { amountsOf, lineKey, plantOf, queueKey, type ShareBooks } from './shareBooks.ts';

const windowMs = 10_000;
const unfairMost = 0.05;
/** Longer than any task of the load runs: by then what each held has ended, and all went to whoever was behind. */
const settleMs = 18_000;
/** Beyond this time between two turns the host was away, or its clock jumped: nobody shared anything. */
const awayMs = 5_000;

interface Party {
  readonly key: string;
  readonly weight: number;
  readonly ask: AskClass;
  /** Dominant share by weight. */
  readonly level: number;
}
interface Pair {
  readonly name: string;
  readonly one: Party;
  readonly other: Party;
  /** Share of one task by weight. */
  readonly grain: number;
  /** All that wait are within one task of each other. */
  readonly isEven: boolean;
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
  /** For how long each pair has waited together without being compared. */
  readonly #settlingMs = new Map<string, number>();
  #pairs: readonly Pair[] = [];
  #atMs = 0;
  #core: Core | undefined;

  constructor(report: Report, books: ShareBooks, settings: SettingsBooks) {
    this.#report = report;
    this.#books = books;
    this.#settings = settings;
  }

  /** After the books have taken the turn. */
  turned(core: Core, { batch }: TurnResult): void {
    const { nowMs } = core.state.ready;
    const gapMs = nowMs - this.#atMs;
    const passedMs = gapMs > awayMs ? 0 : Math.max(0, gapMs);
    this.#atMs = nowMs;
    // What was held since the last turn was held for all of that time.
    for (const pair of this.#pairs) this.#add(pair, passedMs);
    if (core !== this.#core || batch?.events.some(isBreak)) this.finish();
    this.#core = core;
    this.#pairs = this.#pairsNow(core);
    const names = new Set(this.#pairs.map(({ name }) => name));
    for (const name of this.#settlingMs.keys()) if (!names.has(name)) this.#settlingMs.delete(name);
    for (const [name, window] of this.#windows)
      if (!names.has(name)) {
        this.#judge(name, window);
        this.#windows.delete(name);
      }
  }
  finish(): void {
    for (const [name, window] of this.#windows) this.#judge(name, window);
    this.#windows.clear();
    this.#settlingMs.clear();
  }

  #add({ name, one, other, grain, isEven }: Pair, passedMs: number): void {
    let window = this.#windows.get(name);
    if (!window) {
      const settlingMs = (this.#settlingMs.get(name) ?? 0) + passedMs;
      this.#settlingMs.set(name, settlingMs);
      if (!isEven && settlingMs < settleMs) return;
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

  #pairsNow(core: Core): readonly Pair[] {
    const plant = plantOf(core);
    const queues = [...core.state.ready.queues.values()].filter(({ waiting }) => waiting > 0);
    const [only, ...others] = queues;
    if (!only) return [];
    if (others.length > 0)
      return pairsOf(
        queues.map((queue) => {
          const settings = this.#settings.queues.get(queue.name) ?? queue.settings;
          const lines = [...queue.lines.values()];
          if (
            !isPlain(settings) ||
            !lines.every(({ tenant }) => isPlain(this.#settings.ofTenant(tenant.name)))
          )
            return undefined;
          return this.#partyOf(lines, { key: queueKey({ queue: queue.name }), settings, plant });
        }),
        plant,
      );
    if (!isPlain(this.#settings.queues.get(only.name) ?? only.settings)) return [];
    const lines = [...only.lines.values()].filter(({ waiting }) => waiting > 0);
    return pairsOf(
      lines.map((line) => {
        const settings = this.#settings.ofTenant(line.tenant.name);
        const key = lineKey({ queue: only.name, tenant: line.tenant.name });
        return isPlain(settings) ? this.#partyOf([line], { key, settings, plant }) : undefined;
      }),
      plant,
    );
  }

  /** Undefined where it waits for nothing, or for more than one ask, or holds something else. */
  #partyOf(
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
    return { key, weight: settings.weight, ask, level: shareOf(held, plant) / settings.weight };
  }
}

/** The plant or the rules are others from now on. */
const isBreak = (event: Event): boolean =>
  event.kind.startsWith('node_') ||
  event.kind === 'queue_put' ||
  event.kind === 'tenant_put' ||
  (event.kind === 'attempt_ended' && ['lost', 'agent_lost'].includes(event.end.reason));
const rounding = 1e-9;
const isPlain = (settings: QueueSettings | TenantSettings): boolean =>
  settings.runningMax === undefined &&
  settings.burst === undefined &&
  settings.guaranteed === undefined &&
  !('ratePerS' in settings) &&
  (!('mode' in settings) || settings.mode !== 'paused') &&
  (!('order' in settings) || settings.order !== 'slowdown');

function shareOf(has: Amounts, plant: Amounts): number {
  const of = (amount: number, all: number): number => (all > 0 ? amount / all : 0);
  return Math.max(of(has.cpu, plant.cpu), of(has.memory, plant.memory), of(has.gpu, plant.gpu));
}

/** Any two of them, where all wait for the same. */
function pairsOf(parties: readonly (Party | undefined)[], plant: Amounts): readonly Pair[] {
  const [first] = parties;
  const all = parties.filter((party) => party !== undefined && party.ask === first?.ask) as Party[];
  if (!first || all.length < parties.length) return [];
  const each = shareOf(amountsOf({ ask: first.ask.ask }), plant);
  const grain = each / Math.min(...all.map(({ weight }) => weight));
  const levels = all.map(({ level }) => level);
  const isEven = Math.max(...levels) - Math.min(...levels) <= grain + rounding;
  const among = all.map(({ key }) => key).join(', ');
  return all.flatMap((one, at) =>
    all
      .slice(at + 1)
      .map((other) => ({ name: `${one.key} and ${other.key} of ${among}`, one, other, grain, isEven })),
  );
}

// The whole fleet pushed to windows: one frame per watched metric at `feedHz`, made once for all that watch it.
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import {
  type FleetFrame,
  type GroupRollup,
  type MetricId,
  metrics,
  type Topology,
} from '../protocol/fleetFrames.ts';
import * as limits from '../protocol/limits.ts';
import { encodeFlags, encodeValues, type Flags, lostNodes, markAlarms } from './fleetEncoder.ts';
import { PlantIndex, type PlantOrder } from './plantIndex.ts';
import type { ConsolePorts } from './ports.ts';
import { rollupsOf } from './rollups.ts';

interface MetricWatch {
  sequence: number;
  /** Roll-ups go once a second; ones that were skipped go with the next frame. */
  owesRollups: boolean;
}
interface Rollups {
  readonly lines: readonly GroupRollup[];
  readonly areas: readonly GroupRollup[];
}
interface Made extends Rollups {
  readonly frame: FleetFrame;
}
interface Making {
  readonly order: PlantOrder;
  readonly flags: Flags;
  readonly withRollups: boolean;
}
type FleetPorts = Pick<ConsolePorts, 'view' | 'alarms' | 'clock'>;

const tickMs = 1_000 / limits.feedHz;

export class FleetFeed {
  readonly #ports: FleetPorts;
  readonly #plant: PlantIndex;
  readonly #startedAtMs: number;
  readonly #watches = new Map<ConsoleLink, Map<MetricId, MetricWatch>>();
  /** The newest frame of each metric: what a window that begins to watch within its tick is given. */
  readonly #made = new Map<MetricId, Made>();
  #ticks = 0;

  constructor(ports: FleetPorts) {
    this.#ports = ports;
    this.#startedAtMs = ports.clock();
    this.#plant = new PlantIndex(ports.view, ports.clock);
  }

  topology(): Topology {
    return this.#plant.current().topology;
  }

  /** A node joined or was forgotten. */
  nodesChanged(): void {
    this.#plant.changed();
  }

  /** The first frame of each metric leaves at once, with roll-ups. What was watched already goes on. */
  watch(link: ConsoleLink, watched: readonly MetricId[]): readonly MetricId[] {
    const before = this.#watches.get(link);
    const unique = [...new Set(watched)];
    if (unique.length === 0) {
      this.#watches.delete(link);
      return [];
    }
    const next = new Map(
      unique.map((metric) => [metric, before?.get(metric) ?? { sequence: 0, owesRollups: true }]),
    );
    this.#watches.set(link, next);
    for (const [metric, watch] of next)
      if (watch.sequence === 0) this.#send(link, watch, this.#recent(metric));
    return unique;
  }

  remove(link: ConsoleLink): void {
    this.#watches.delete(link);
  }

  /** To be called `feedHz` times a second. */
  tick(): void {
    const isSecond = this.#ticks % limits.feedHz === 0;
    this.#ticks += 1;
    const wanted = new Set<MetricId>();
    for (const watches of this.#watches.values())
      for (const [metric, watch] of watches) {
        wanted.add(metric);
        watch.owesRollups ||= isSecond;
      }
    for (const metric of this.#made.keys()) if (!wanted.has(metric)) this.#made.delete(metric);
    if (wanted.size === 0) return;
    const order = this.#plant.current();
    const flags = this.#flags(order);
    for (const metric of wanted) this.#make(metric, { order, flags, withRollups: isSecond });
    for (const [link, watches] of this.#watches)
      for (const [metric, watch] of watches) {
        const made = this.#made.get(metric);
        if (made) this.#send(link, watch, made);
      }
  }

  #send(link: ConsoleLink, watch: MetricWatch, { frame, lines, areas }: Made): void {
    watch.sequence += 1;
    const numbered = { ...frame, sequence: watch.sequence };
    const wasSent = link.send(watch.owesRollups ? { ...numbered, lines, areas } : numbered);
    if (wasSent) watch.owesRollups = false;
  }

  #recent(metric: MetricId): Made {
    const made = this.#made.get(metric);
    if (made && this.#ports.clock() - made.frame.atMs < tickMs) return made;
    const order = this.#plant.current();
    return this.#make(metric, { order, flags: this.#flags(order), withRollups: true });
  }

  #flags(order: PlantOrder): Flags {
    const { view, clock, alarms } = this.#ports;
    const columns = view.fleetColumns();
    const nowMs = clock();
    const encoded = encodeFlags(columns, order, nowMs, nowMs - this.#startedAtMs);
    markAlarms(encoded.flags, alarms.rows(), this.#plant, () => lostNodes(columns, order));
    return encoded;
  }

  #make(metric: MetricId, { order, flags, withRollups }: Making): Made {
    const { topology } = order;
    const atMs = this.#ports.clock();
    const values = encodeValues(this.#ports.view.fleetColumns(), order, metric, atMs);
    const roll = (groups: Topology['lines']) => rollupsOf(groups, values, flags.flags, metrics[metric]);
    const before = this.#made.get(metric);
    // Between seconds a link that was slow still gets the last ones; after a change of structure they would not fit.
    const isLast = !withRollups && before?.frame.topologyEpoch === topology.topologyEpoch;
    const { lines, areas } = isLast ? before : { lines: roll(topology.lines), areas: roll(topology.areas) };
    const { topologyEpoch } = topology;
    const frame: FleetFrame = { push: 'fleet', topologyEpoch, sequence: 0, atMs, metric, values, ...flags };
    const made = { frame, lines, areas };
    this.#made.set(metric, made);
    return made;
  }
}

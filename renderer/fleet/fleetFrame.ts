// The fleet's numbers in this window: typed arrays outside of any store, a version counter per metric for Vue.
// Subscribed by reference count; the structure is kept by epoch, and read again when a frame is of another one.
import { shallowRef, type ShallowRef, watch } from 'vue';
import type { Push } from '../../scheduler/protocol/consoleFrames.ts';
import {
  type FleetFrame,
  type GroupRollup,
  type MetricId,
  metricIds,
} from '../../scheduler/protocol/fleetFrames.ts';
import { watchedMetricsMax } from '../../scheduler/protocol/limits.ts';
import type { Bridge } from '../bridge.ts';
import { bytesOf, type PlantShape, shapeOf } from './plantShape.ts';

/** The newest frame of one metric. */
interface MetricData {
  readonly values: Uint8Array;
  readonly atMs: number;
  readonly newestSampleAgeMs: number;
  readonly oldestSampleAgeMs: number;
  readonly lines: readonly GroupRollup[];
  readonly areas: readonly GroupRollup[];
}
const nothing: Uint8Array = new Uint8Array();
const noMetric: MetricData = {
  values: nothing,
  atMs: 0,
  newestSampleAgeMs: 0,
  oldestSampleAgeMs: 0,
  lines: [],
  areas: [],
};
/** A plant that grows says so with every frame: its structure is read no more often than this. */
const readAgainMs = 500;

export type FleetPort = Pick<Bridge, 'call' | 'onPush' | 'link'>;
export interface FleetPlane {
  /** Undefined until it was read once. */
  readonly shape: Readonly<ShallowRef<PlantShape | undefined>>;
  /** Counts frames taken of a metric. To be read where its arrays are used. */
  readonly version: (metric: MetricId) => Readonly<ShallowRef<number>>;
  /** The newest frame; tracked by Vue where it is read. */
  readonly data: (metric: MetricId) => MetricData;
  /** The same, not tracked. */
  readonly peek: (metric: MetricId) => MetricData;
  /** Of the newest frame of any metric. */
  readonly flags: () => Uint8Array;
  /** Keeps a metric coming until the returned function is called. Past three, those asked for first are left out. */
  readonly watch: (metric: MetricId) => () => void;
}

export function createFleetPlane(port: FleetPort): FleetPlane {
  const shape = shallowRef<PlantShape>();
  const versions = new Map(metricIds.map((metric) => [metric, shallowRef(0)]));
  const newest = new Map<MetricId, MetricData>();
  let flags: Uint8Array = nothing;
  const structure = createStructure(port, (next) => {
    shape.value = next;
    newest.clear();
    flags = new Uint8Array(next.count);
    for (const version of versions.values()) version.value += 1;
  });
  const watching = createWatching(port);

  function take(frame: FleetFrame): void {
    const known = shape.value;
    if (frame.topologyEpoch !== known?.epoch) {
      structure.read();
      return;
    }
    const values = bytesOf(frame.values);
    if (values.length !== known.count) return;
    const before = newest.get(frame.metric) ?? noMetric;
    flags = bytesOf(frame.flags);
    newest.set(frame.metric, {
      values,
      atMs: frame.atMs,
      newestSampleAgeMs: frame.newestSampleAgeMs,
      oldestSampleAgeMs: frame.oldestSampleAgeMs,
      lines: frame.lines ?? before.lines,
      areas: frame.areas ?? before.areas,
    });
    const version = versions.get(frame.metric);
    if (version) version.value += 1;
  }
  port.onPush((push: Push) => {
    if (push.push === 'fleet') take(push);
  });
  watch(
    port.link,
    (link) => {
      if (link.state !== 'live') return;
      structure.read();
      watching.askAgain();
    },
    { immediate: true },
  );
  return {
    shape,
    version: (metric) => versions.get(metric) ?? shallowRef(0),
    data: (metric) => ((versions.get(metric)?.value ?? 0) > 0 ? newest.get(metric) : undefined) ?? noMetric,
    peek: (metric) => newest.get(metric) ?? noMetric,
    flags: () => flags,
    watch: watching.start,
  };
}

/** Reads the structure, one call at a time and not too often; a new one goes to `changed`. */
function createStructure({ call }: FleetPort, changed: (shape: PlantShape) => void) {
  let epoch: number | undefined;
  let isReading = false;
  let readAtMs = -Infinity;

  async function readNow(): Promise<void> {
    try {
      const topology = await call('getTopology', {});
      if (topology.topologyEpoch === epoch) return;
      epoch = topology.topologyEpoch;
      changed(shapeOf(topology));
    } catch {
      // The next frame asks again; until then what is shown grows old, which the status line says.
    } finally {
      isReading = false;
    }
  }
  return {
    read: (): void => {
      if (isReading || performance.now() - readAtMs < readAgainMs) return;
      isReading = true;
      readAtMs = performance.now();
      void readNow();
    },
  };
}

/** Which metrics are wanted, by how many; the host is told once per change of the set. */
function createWatching({ call, link }: FleetPort) {
  const wanted = new Map<MetricId, number>();
  let told = '';
  let isDue = false;

  function tell(): void {
    isDue = false;
    if (link.value.state !== 'live') return;
    const metrics = [...wanted.keys()].slice(-watchedMetricsMax);
    if (metrics.join() === told) return;
    told = metrics.join();
    // A refusal shows as data that grows old, which the screens say.
    call('watchFleet', { metrics }).catch(() => {
      told = '';
    });
  }
  /** After all that one change of screen starts and stops. */
  function tellSoon(): void {
    if (isDue) return;
    isDue = true;
    queueMicrotask(tell);
  }
  return {
    start: (metric: MetricId): (() => void) => {
      const count = wanted.get(metric) ?? 0;
      wanted.delete(metric);
      wanted.set(metric, count + 1);
      tellSoon();
      let isOn = true;
      return () => {
        if (!isOn) return;
        isOn = false;
        const left = (wanted.get(metric) ?? 1) - 1;
        if (left > 0) wanted.set(metric, left);
        else wanted.delete(metric);
        tellSoon();
      };
    },
    /** A new link knows nothing of what was asked over the old one. */
    askAgain: (): void => {
      told = '';
      tellSoon();
    },
  };
}

// Counts of every group for a metric, no more often than once a second: they are read, not watched.
import { onScopeDispose, shallowRef, watch } from 'vue';
import { type MetricId, metrics } from '../../scheduler/protocol/fleetFrames.ts';
import { fleet } from './fleet.ts';
import { type PlantStats, plantStats } from './groupStats.ts';

const everyMs = 1_000;

export function useFleetStats(metric: () => MetricId) {
  const stats = shallowRef<PlantStats>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let countedAtMs = -Infinity;

  function count(): void {
    timer = undefined;
    const shape = fleet.shape.value;
    const { values } = fleet.peek(metric());
    if (!shape || values.length !== shape.count) return;
    countedAtMs = performance.now();
    stats.value = plantStats(shape, values, fleet.flags(), metrics[metric()]);
  }
  watch(
    () => [fleet.version(metric()).value, metric()],
    () => {
      timer ??= setTimeout(count, Math.max(0, everyMs - (performance.now() - countedAtMs)));
    },
    { immediate: true },
  );
  watch(fleet.shape, () => {
    // Counts of another structure would be put to the wrong groups.
    stats.value = undefined;
    countedAtMs = -Infinity;
  });
  onScopeDispose(() => {
    clearTimeout(timer);
  });
  return stats;
}

// The fleet plane of this window, and how a component keeps a metric coming while it lives.
import { onScopeDispose, watch } from 'vue';
import type { MetricId } from '../../scheduler/protocol/fleetFrames.ts';
import { bridge } from '../link/console.ts';
import { createFleetPlane } from './fleetFrame.ts';

export const fleet = createFleetPlane(bridge);

export function useFleetMetrics(metrics: () => readonly MetricId[]): void {
  let stops: readonly (() => void)[] = [];
  watch(
    () => metrics().join(),
    () => {
      const before = stops;
      stops = metrics().map(fleet.watch);
      for (const stop of before) stop();
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    for (const stop of stops) stop();
  });
}

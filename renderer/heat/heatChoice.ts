// The heat map's state in its address: metric, scale, the band that is shown alone.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { type MetricId, metricIds } from '../../scheduler/protocol/fleetFrames.ts';
import { type HeatBand, heatBands, type HeatScale, heatScales } from './heatColors.ts';

interface HeatChoice {
  readonly metric: MetricId;
  readonly scale: HeatScale;
  readonly only: HeatBand | undefined;
}

export function useHeatChoice() {
  const route = useRoute();
  const router = useRouter();
  const choice = computed<HeatChoice>(() => ({
    metric: metricIds.find((id) => id === route.query['metric']) ?? 'cpuUsed',
    scale: heatScales.find((id) => id === route.query['scale']) ?? 'limits',
    only: heatBands.find((id) => id === route.query['only']),
  }));
  function choose(change: Partial<HeatChoice>): void {
    const { metric, scale, only } = { ...choice.value, ...change };
    const query = {
      ...(metric === 'cpuUsed' ? {} : { metric }),
      ...(scale === 'limits' ? {} : { scale }),
      ...(only === undefined ? {} : { only }),
    };
    void router.replace({ name: 'heat', query });
  }
  function nextMetric(): void {
    const at = metricIds.indexOf(choice.value.metric);
    choose({ metric: metricIds[(at + 1) % metricIds.length] ?? 'cpuUsed', only: undefined });
  }
  return { choice, choose, nextMetric };
}

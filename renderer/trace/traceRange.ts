// How far back the charts of this window look: one choice for all of them, kept between starts.
import { ref, watch } from 'vue';
import { type TraceRange, traceRanges } from '../../scheduler/protocol/fleetFrames.ts';

const storageKey = 'millrace.traceRange';
const kept = localStorage.getItem(storageKey);

export const traceRange = ref<TraceRange>(
  (Object.keys(traceRanges) as TraceRange[]).find((range) => range === kept) ?? '1h',
);
watch(traceRange, (range) => {
  localStorage.setItem(storageKey, range);
});

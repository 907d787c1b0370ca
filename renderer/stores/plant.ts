// The newest overview frame of the plant, how old it is, and the alarms: the host's own and those about the host.
import { defineStore } from 'pinia';
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import { localAlarms } from '../alarm/localAlarms.ts';
import { type AnyAlarm, byUrgency } from '../alarm/order.ts';
import { bridge } from '../link/console.ts';
import type { OverviewFrame, TraceName } from '../../scheduler/protocol/consoleFrames.ts';

/** CONSOLE AR-8. */
const staleAfterMs = 2_000;
const tickMs = 250;
/** How long the smallest difference between the two clocks is believed before it is measured anew. */
const skewWindowMs = 60_000;

export const usePlantStore = defineStore('plant', () => {
  const frame = shallowRef<OverviewFrame>();
  const traces = shallowRef<Readonly<Record<TraceName, readonly number[]>>>();
  const ageMs = ref<number>();
  const nowMs = ref(Date.now());
  const openedAtMs = Date.now();
  let skew = createSkew();

  function takeFrame(next: OverviewFrame): void {
    if (frame.value?.epoch !== next.epoch) skew = createSkew();
    skew.learn(Date.now() - next.atMs);
    frame.value = next;
    if (next.traces) traces.value = next.traces;
    tick();
  }
  function tick(): void {
    const hostNowMs = Date.now() - skew.current();
    nowMs.value = hostNowMs;
    if (frame.value) ageMs.value = Math.max(0, hostNowMs - frame.value.atMs);
  }
  const stopPush = bridge.onPush((push) => {
    if (push.push === 'overview') takeFrame(push);
  });
  const stopClearing = watch(bridge.link, ({ state }) => {
    // What the last user saw is not for whoever logs in next.
    if (state !== 'login') return;
    frame.value = undefined;
    traces.value = undefined;
    ageMs.value = undefined;
  });
  const stopWatch = bridge.keepOn({ method: 'watchOverview' });
  const timer = setInterval(tick, tickMs);
  onScopeDispose(() => {
    stopPush();
    stopClearing();
    stopWatch();
    clearInterval(timer);
  });

  const isStale = computed(() => ageMs.value !== undefined && ageMs.value > staleAfterMs);
  const alarms = computed<readonly AnyAlarm[]>(() => {
    const about = {
      link: bridge.link.value,
      host: bridge.host.value,
      ageMs: ageMs.value ?? nowMs.value - openedAtMs,
      newestAtMs: frame.value?.atMs,
      nowMs: nowMs.value,
    };
    return [...localAlarms(about), ...(frame.value?.alarms ?? [])].sort(byUrgency);
  });
  return { frame, traces, ageMs, nowMs, isStale, alarms };
});

/** The smallest recent difference between this clock and the host's: what is left of it is age, not skew. */
function createSkew() {
  let previous = Infinity;
  let present = Infinity;
  let sinceMs = Date.now();
  return {
    learn(differenceMs: number) {
      if (Date.now() - sinceMs > skewWindowMs) {
        previous = present;
        present = Infinity;
        sinceMs = Date.now();
      }
      present = Math.min(present, differenceMs);
    },
    current: () => {
      const least = Math.min(previous, present);
      return Number.isFinite(least) ? least : 0;
    },
  };
}

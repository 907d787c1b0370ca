// Whether the host reads back what it knew, how far it is, and since when this window knows of it.
import { computed, onScopeDispose, ref, watch } from 'vue';
import { percentOf } from '../format/quantity.ts';
import { useSessionStore } from '../stores/session.ts';

/** A recovery shorter than this is over before it could be read: showing it would only flicker. */
const shownAfterMs = 400;
const tickMs = 250;

export function useRecovery() {
  const session = useSessionStore();
  const progress = computed(() => (session.host?.state === 'recovering' ? session.host : undefined));
  const elapsedMs = ref(0);
  let sinceMs = 0;
  let timer: ReturnType<typeof setInterval> | undefined;

  watch(
    () => progress.value !== undefined,
    (isRecovering) => {
      clearInterval(timer);
      elapsedMs.value = 0;
      if (!isRecovering) return;
      sinceMs = performance.now();
      timer = setInterval(() => {
        elapsedMs.value = performance.now() - sinceMs;
      }, tickMs);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    clearInterval(timer);
  });
  const isShown = computed(() => progress.value !== undefined && elapsedMs.value >= shownAfterMs);
  /** Whole percent of the present stage; undefined while its size is not known. */
  const percent = computed(() => {
    const now = progress.value;
    if (!now || now.total === 0) return undefined;
    return Math.min(100, Math.floor(percentOf(now.done, now.total)));
  });
  return { progress, percent, elapsedMs, isShown };
}

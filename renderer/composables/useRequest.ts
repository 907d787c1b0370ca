// One answer of the host for a component: its value, whether it is on the way, why it failed. Newer drops older.
import { onScopeDispose, ref, shallowRef, watch, type WatchSource } from 'vue';
import { useI18n } from 'vue-i18n';
import { useSessionStore } from '../stores/session.ts';
import { describeFailure } from './describeFailure.ts';

interface Options {
  /** Asked again when one of these changes, and when the link comes back. */
  readonly on?: readonly WatchSource[];
  /** Asked again this often while the window is visible and it returns true. */
  readonly everyMs?: number;
  readonly isDue?: () => boolean;
}

export function useRequest<Value>(ask: () => Promise<Value> | undefined, options: Options = {}) {
  const { t } = useI18n();
  const session = useSessionStore();
  const value = shallowRef<Value>();
  const failure = ref<string>();
  const isLoading = ref(false);
  let newest = 0;

  async function load(): Promise<void> {
    const asked = ask();
    const number = ++newest;
    if (!asked) return;
    isLoading.value = true;
    try {
      const answer = await asked;
      if (number !== newest) return;
      value.value = answer;
      failure.value = undefined;
    } catch (error) {
      if (number === newest) failure.value = describeFailure(error, t);
    } finally {
      if (number === newest) isLoading.value = false;
    }
  }
  watch(
    [() => session.isLive, ...(options.on ?? [])],
    () => {
      if (session.isLive) void load();
    },
    { immediate: true },
  );
  const timer = options.everyMs === undefined ? undefined : setInterval(repeat, options.everyMs);
  function repeat(): void {
    const isDue = options.isDue?.() ?? true;
    if (!document.hidden && session.isLive && isDue && !isLoading.value) void load();
  }
  onScopeDispose(() => {
    newest = -1;
    clearInterval(timer);
  });
  return { value, failure, isLoading, load };
}

// A list by offset as a screen shows it: rows for the present filter, kept fresh once a second.
import { computed, onScopeDispose, ref, shallowRef, watch } from 'vue';
import { useI18n } from 'vue-i18n';
import { useSessionStore } from '../stores/session.ts';
import { describeFailure } from './describeFailure.ts';
import { type AskPage, createOffsetPages } from './offsetPages.ts';

const refreshMs = 1_000;

/** `askFor` makes the question of a filter; the list begins anew when `key` tells another filter. */
export function usePagedList<Row>(key: () => string, askFor: () => AskPage<Row>) {
  const { t } = useI18n();
  const session = useSessionStore();
  const failure = ref<string>();
  const range = { first: 0, count: 40 };
  const pages = shallowRef(createOffsetPages(askFor()));
  const loaded = computed(() => pages.value.loaded.value);
  /** Why there are no rows, where it is not that none match. */
  const absence = computed(() => {
    if (failure.value !== undefined) return failure.value;
    if (!session.isLive) return t('state.disconnected');
    return loaded.value.isLoaded ? '' : t('state.loading');
  });

  async function read(again: boolean): Promise<void> {
    if (!session.isLive) return;
    const of = pages.value;
    try {
      await of.read(range.first, range.count, again);
      if (of === pages.value) failure.value = undefined;
    } catch (error) {
      if (of === pages.value) failure.value = describeFailure(error, t);
    }
  }
  function showRange(first: number, count: number): void {
    range.first = first;
    range.count = count;
    void read(false);
  }
  const refresh = () => read(true);
  watch([key, () => session.isLive], () => {
    pages.value = createOffsetPages(askFor());
    range.first = 0;
    void refresh();
  });
  void refresh();
  const timer = setInterval(() => {
    if (!document.hidden) void refresh();
  }, refreshMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });
  return { pages, loaded, failure, absence, refresh, showRange };
}

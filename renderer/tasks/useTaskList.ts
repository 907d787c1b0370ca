// The task list of the screen: pages for the present filter, kept fresh once a second while somebody looks.
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { usePlantStore } from '../stores/plant.ts';
import { useSessionStore } from '../stores/session.ts';
import { filterFrom, type FilterChoice } from './taskFilter.ts';
import { createTaskPages, type TaskPages } from './taskPages.ts';

const refreshMs = 1_000;

export function useTaskList(choice: ComputedRef<FilterChoice>) {
  const { t } = useI18n();
  const session = useSessionStore();
  const plant = usePlantStore();
  const failure = ref<string>();
  const range = { first: 0, count: 40 };
  const pages = shallowRef(open(choice.value));
  const key = computed(() => JSON.stringify(choice.value));

  function open(wanted: FilterChoice): TaskPages {
    const filter = filterFrom(wanted, plant.nowMs);
    return createTaskPages((page) => bridge.call('listTasks', { filter, ...page }));
  }
  /** What went wrong is shown over the rows that are there; they stay readable. */
  async function guarded(of: TaskPages, act: Promise<void>): Promise<void> {
    try {
      await act;
      if (of === pages.value) failure.value = undefined;
    } catch (error) {
      if (of === pages.value) failure.value = describeFailure(error, t);
    }
  }
  async function refresh(): Promise<void> {
    if (!session.isLive) return;
    await guarded(pages.value, pages.value.refresh(range.first, range.count));
  }
  function showRange(first: number, count: number): void {
    range.first = first;
    range.count = count;
    if (session.isLive) void guarded(pages.value, pages.value.ensure(first, count));
  }
  async function catchUp(): Promise<void> {
    const { first, count } = range;
    await refresh();
    // A range that scrolled by while another was read is asked for again here.
    await guarded(pages.value, pages.value.ensure(first, count));
  }
  watch([key, () => session.isLive], () => {
    range.first = 0;
    pages.value = open(choice.value);
    void refresh();
  });
  void refresh();
  const timer = setInterval(() => {
    if (!document.hidden && session.isLive) void catchUp();
  }, refreshMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });
  return { pages, failure, refresh, showRange };
}

// The task list of the screen: pages for the present filter, kept fresh once a second while somebody looks.
import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { usePlantStore } from '../stores/plant.ts';
import { useSessionStore } from '../stores/session.ts';
import { filterFrom, type FilterChoice } from './taskFilter.ts';
import { createTaskPages, type TaskPages } from './taskPages.ts';
import { useTaskSearch } from './useTaskSearch.ts';

const refreshMs = 1_000;
/** A list that takes long to read is read anew this much more seldom: the host has other work. */
const restFactor = 10;

export function useTaskList(choice: ComputedRef<FilterChoice>) {
  const { t } = useI18n();
  const session = useSessionStore();
  const plant = usePlantStore();
  const failure = ref<string>();
  const range = { first: 0, count: 40 };
  const pages = shallowRef(open(choice.value));
  const key = computed(() => JSON.stringify(choice.value));
  const search = useTaskSearch(pages, { choice, guarded });
  let readAtMs = -Infinity;

  function open(wanted: FilterChoice): TaskPages {
    const filter = filterFrom(wanted, plant.nowMs);
    return createTaskPages((page) => bridge.call('listTasks', { filter, ...page }));
  }
  /** What went wrong is shown over the rows that are there; they stay readable. */
  async function guarded(of: TaskPages, act: Promise<void>): Promise<boolean> {
    try {
      await act;
      if (of === pages.value) failure.value = undefined;
      return true;
    } catch (error) {
      if (of === pages.value) failure.value = describeFailure(error, t);
      return false;
    }
  }
  async function refresh(): Promise<void> {
    if (!session.isLive) return;
    readAtMs = performance.now();
    await guarded(pages.value, pages.value.refresh(range.first, range.count));
    void search.goOn();
  }
  function readAnew(): void {
    range.first = 0;
    pages.value = open(choice.value);
    search.begin();
    void refresh();
  }
  function showRange(first: number, count: number): void {
    range.first = first;
    range.count = count;
    if (session.isLive) void guarded(pages.value, pages.value.ensure(first, count));
  }
  async function catchUp(): Promise<void> {
    const { first, count } = range;
    if (isDue(pages.value, readAtMs)) await refresh();
    // A range that scrolled by while another was read is asked for again here.
    await guarded(pages.value, pages.value.ensure(first, count));
  }
  watch([key, () => session.isLive], readAnew);
  void refresh();
  const timer = setInterval(() => {
    if (!document.hidden && session.isLive) void catchUp();
  }, refreshMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });
  return { pages, failure, refresh, readAnew, showRange, search };
}

/** What a long search found stays as it is, until it is searched anew. */
function isDue({ segment }: TaskPages, readAtMs: number): boolean {
  const { looked, tookMs } = segment.value;
  return looked === 0 && performance.now() - readAtMs >= tookMs * restFactor;
}

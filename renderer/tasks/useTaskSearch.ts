// A search that stops at its bound goes on by itself until a page is full, it is at the end, or somebody stops it.
import { type ComputedRef, computed, onScopeDispose, ref, type ShallowRef } from 'vue';
import { pageRowsMax } from '../../scheduler/protocol/limits.ts';
import { bridge } from '../link/console.ts';
import { usePlantStore } from '../stores/plant.ts';
import { filterFrom, type FilterChoice } from './taskFilter.ts';
import type { TaskPages } from './taskPages.ts';

/** Between looks at pages that are busy with something else. */
const busyPauseMs = 50;

interface Context {
  readonly choice: ComputedRef<FilterChoice>;
  /** Tells what went wrong, and never rejects. */
  readonly guarded: (of: TaskPages, act: Promise<void>) => Promise<boolean>;
}

export function useTaskSearch(pages: Readonly<ShallowRef<TaskPages>>, { choice, guarded }: Context) {
  const plant = usePlantStore();
  const isRunning = ref(false);
  const isStopped = ref(false);
  /** Tasks that the filter without its text leaves: what there is to look at. */
  const of = ref<number>();
  const segment = computed(() => pages.value.segment.value);
  let isGone = false;

  /** Until so many rows are found. */
  async function run(wanted: number): Promise<void> {
    const searched = pages.value;
    const goesOn = () => !isGone && !isStopped.value && searched === pages.value && segment.value.isCut;
    isRunning.value = true;
    void countAll(searched);
    while (goesOn() && segment.value.rows.length < wanted) {
      const before = segment.value.next;
      if (!(await guarded(searched, searched.searchOn()))) break;
      if (segment.value.next === before) await new Promise((resolve) => setTimeout(resolve, busyPauseMs));
    }
    if (searched === pages.value) isRunning.value = false;
  }
  async function countAll(searched: TaskPages): Promise<void> {
    if (of.value !== undefined) return;
    try {
      const filter = filterFrom({ ...choice.value, text: '' }, plant.nowMs);
      const { total } = await bridge.call('listTasks', { filter, limit: 1 });
      if (searched === pages.value) of.value = total;
    } catch {
      // Then it is told how much was searched, and not of how much.
    }
  }
  /** After a page: the first one of a search goes on by itself. */
  async function goOn(): Promise<void> {
    if (!isRunning.value) await run(pageRowsMax);
  }
  async function resume(): Promise<void> {
    isStopped.value = false;
    await run(segment.value.rows.length + pageRowsMax);
  }
  function stop(): void {
    isStopped.value = true;
  }
  /** The list is another one. */
  function begin(): void {
    isStopped.value = false;
    isRunning.value = false;
    of.value = undefined;
  }
  onScopeDispose(() => {
    isGone = true;
  });
  /** A look that is under way when somebody stops it still ends. */
  const isGoingOn = computed(() => isRunning.value && !isStopped.value);
  return { isGoingOn, of, goOn, resume, stop, begin };
}

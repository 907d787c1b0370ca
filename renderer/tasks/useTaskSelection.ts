// The cursor of the task table and the tasks that are marked for an act. Both follow the task, not its position.
import { computed, type Ref, ref, shallowRef } from 'vue';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskPages } from './taskPages.ts';

export function useTaskSelection(pages: Ref<TaskPages>) {
  const cursorId = ref<TaskId>();
  /** Where the cursor is while its row is not read. */
  const fallback = ref(-1);
  const ids = shallowRef<ReadonlySet<TaskId>>(new Set());
  let anchor = -1;

  const cursor = computed(() => {
    if (cursorId.value === undefined) return fallback.value;
    return pages.value.positionOf(cursorId.value);
  });
  function moveTo(position: number): void {
    cursorId.value = pages.value.rowAt(position)?.taskId;
    fallback.value = position;
  }
  function moveToTask(id: TaskId): void {
    cursorId.value = id;
  }
  function toggle(position: number, isRange: boolean): void {
    const from = isRange && anchor >= 0 ? anchor : position;
    const next = new Set(ids.value);
    for (let at = Math.min(from, position); at <= Math.max(from, position); at++) {
      const row = pages.value.rowAt(at);
      if (row && (isRange || !next.has(row.taskId))) next.add(row.taskId);
      else if (row) next.delete(row.taskId);
    }
    ids.value = next;
    anchor = position;
    moveTo(position);
  }
  function clear(): void {
    ids.value = new Set();
    anchor = -1;
  }
  return { cursor, ids, moveTo, moveToTask, toggle, clear };
}

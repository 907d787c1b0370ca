// The task screen's state in its address: the filter, and which task is opened.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { choiceFrom, type FilterChoice, queryFrom } from './taskFilter.ts';

export function useTaskAddress() {
  const route = useRoute();
  const router = useRouter();
  const choice = computed(() => choiceFrom(route.query));
  const opened = computed(() => {
    const value = Number(route.query['task']);
    return Number.isSafeInteger(value) && value > 0 ? taskId(value) : undefined;
  });
  const taskPart = (id: TaskId | undefined) => (id === undefined ? {} : { task: String(id) });

  function choose(next: FilterChoice): void {
    void router.replace({ name: 'tasks', query: { ...queryFrom(next), ...taskPart(opened.value) } });
  }
  /** `inPlace`: without a step in the history, for a cursor that moves over many. */
  function open(id: TaskId | undefined, inPlace = false): void {
    const to = { name: 'tasks', query: { ...queryFrom(choice.value), ...taskPart(id) } };
    void (inPlace ? router.replace(to) : router.push(to));
  }
  return { choice, opened, choose, open };
}

// The task screen's state in its address: the filter, what is counted by, and which task is opened.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { type Grouping, groupings } from '../../scheduler/protocol/view.ts';
import { choiceFrom, type FilterChoice, queryFrom } from './taskFilter.ts';

export function useTaskAddress() {
  const route = useRoute();
  const router = useRouter();
  const choice = computed(() => choiceFrom(route.query));
  const opened = computed(() => {
    const value = Number(route.query['task']);
    return Number.isSafeInteger(value) && value > 0 ? taskId(value) : undefined;
  });
  const by = computed(() => groupings.find((name) => name === route.query['by']));
  const byPart = (name: Grouping | undefined) => (name === undefined ? {} : { by: name });
  const taskPart = (id: TaskId | undefined) => (id === undefined ? {} : { task: String(id) });

  function choose(next: FilterChoice): void {
    void router.replace({
      name: 'tasks',
      query: { ...queryFrom(next), ...byPart(by.value), ...taskPart(opened.value) },
    });
  }
  function groupBy(next: Grouping | undefined): void {
    const query = { ...queryFrom(choice.value), ...byPart(next), ...taskPart(opened.value) };
    void router.replace({ name: 'tasks', query });
  }
  /** `inPlace`: without a step in the history, for a cursor that moves over many. */
  function open(id: TaskId | undefined, inPlace = false): void {
    const to = { name: 'tasks', query: { ...queryFrom(choice.value), ...byPart(by.value), ...taskPart(id) } };
    void (inPlace ? router.replace(to) : router.push(to));
  }
  return { choice, by, opened, choose, groupBy, open };
}

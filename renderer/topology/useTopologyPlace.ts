// Which group of the plant is zoomed, in the address: `at=line:17`. A group that is gone leads to the plant.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { fleet } from '../fleet/fleet.ts';
import { type Group, groupsAt, levels, parentOf } from '../fleet/plantShape.ts';

export function useTopologyPlace() {
  const route = useRoute();
  const router = useRouter();
  const focus = computed<Group | undefined>(() => {
    const shape = fleet.shape.value;
    if (!shape) return undefined;
    const [name = '', at = ''] = String(route.query['at'] ?? '').split(':');
    const level = levels.find((known) => known === name);
    return (level && groupsAt(shape, level)[Number(at)]) ?? shape.plant;
  });
  /** From the plant down to the zoomed group. */
  const trail = computed<readonly Group[]>(() => {
    const shape = fleet.shape.value;
    const groups: Group[] = [];
    for (let group = focus.value; shape && group; group = parentOf(shape, group)) groups.unshift(group);
    return groups;
  });
  function zoom(group: Group): void {
    const query = group.level === 'plant' ? {} : { at: `${group.level}:${String(group.at)}` };
    void router.push({ name: 'topology', query });
  }
  function up(): void {
    const parent = trail.value.at(-2);
    if (parent) zoom(parent);
  }
  function openNode(index: number): void {
    const id = fleet.shape.value?.nodes[index];
    if (id !== undefined) void router.push({ name: 'nodes', query: { node: id } });
  }
  return { focus, trail, zoom, up, openNode };
}

// The node screen's state in its address: the filter, and which node is opened.
import { computed } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { nodeId, type NodeId } from '../../scheduler/protocol/brands.ts';
import type { NodeState } from '../../scheduler/protocol/node.ts';

export interface NodeChoice {
  readonly text: string;
  readonly state: NodeState | '';
}
export const nodeStates = ['online', 'disconnected', 'lost'] as const;

export function useNodeAddress() {
  const route = useRoute();
  const router = useRouter();
  const single = (name: string) => {
    const value = route.query[name];
    return typeof value === 'string' ? value : '';
  };
  const choice = computed<NodeChoice>(() => ({
    text: single('text'),
    state: nodeStates.find((state) => state === single('state')) ?? '',
  }));
  const opened = computed(() => (single('node') === '' ? undefined : nodeId(single('node'))));

  const queryOf = ({ text, state }: NodeChoice, id: NodeId | undefined) => ({
    ...(text ? { text } : {}),
    ...(state ? { state } : {}),
    ...(id === undefined ? {} : { node: id }),
  });
  function choose(next: NodeChoice): void {
    void router.replace({ name: 'nodes', query: queryOf(next, opened.value) });
  }
  function open(id: NodeId | undefined, inPlace = false): void {
    const to = { name: 'nodes', query: queryOf(choice.value, id) };
    void (inPlace ? router.replace(to) : router.push(to));
  }
  return { choice, opened, choose, open };
}

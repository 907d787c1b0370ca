// The node list of the screen: rows for the present filter, kept fresh once a second.
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue';
import { useI18n } from 'vue-i18n';
import type { NodeState } from '../../scheduler/protocol/node.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';
import { createNodePages, type NodePages } from './nodePages.ts';

const refreshMs = 1_000;

export interface NodeChoice {
  readonly text: string;
  readonly state: NodeState | '';
}

export function useNodeList(choice: Ref<NodeChoice>) {
  const { t } = useI18n();
  const session = useSessionStore();
  const failure = ref<string>();
  const range = { first: 0, count: 40 };
  const pages = shallowRef(open(choice.value));
  const key = computed(() => JSON.stringify(choice.value));

  function open({ text, state }: NodeChoice): NodePages {
    const filter = { ...(text ? { text } : {}), ...(state ? { state } : {}) };
    return createNodePages((offset, limit) => bridge.call('listNodes', { ...filter, offset, limit }));
  }
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
    pages.value = open(choice.value);
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
  return { pages, failure, refresh, showRange };
}

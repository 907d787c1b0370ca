// The simulated plant as this window sees it: how far it is, and how it is started and ended.
import { computed, ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { usePlantStore } from '../stores/plant.ts';
import { useSessionStore } from '../stores/session.ts';

export const plantSizes = [1_000, 10_000, 50_000] as const;

export function useSimulation() {
  const { t } = useI18n();
  const plant = usePlantStore();
  const session = useSessionStore();
  /** Asked for, and not yet in a frame. */
  const isAsking = ref(false);
  const state = computed(() => plant.frame?.simulation ?? ({ state: 'off' } as const));
  const isOff = computed(() => state.value.state === 'off');

  async function guarded(act: () => Promise<unknown>): Promise<void> {
    isAsking.value = true;
    try {
      await act();
    } catch (error) {
      session.say(describeFailure(error, t));
    } finally {
      isAsking.value = false;
    }
  }
  const start = (nodes: number) => guarded(() => bridge.call('startSimulation', { nodes }));
  const end = () => guarded(() => bridge.call('endSimulation', {}));
  return { state, isOff, isAsking, start, end };
}

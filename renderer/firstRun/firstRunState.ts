// Whether the first-run screen is due: nothing was set up, and nobody put it aside.
import { computed, ref } from 'vue';
import { usePlantStore } from '../stores/plant.ts';

const storageKey = 'millrace.firstRun';
const isAside = ref(localStorage.getItem(storageKey) === 'aside');

export function useFirstRun() {
  const plant = usePlantStore();
  const isDue = computed(() => {
    const { frame } = plant;
    if (!frame || isAside.value || frame.nodes.total > 0) return false;
    return frame.simulation?.state !== 'running';
  });
  function putAside(aside: boolean): void {
    isAside.value = aside;
    if (aside) localStorage.setItem(storageKey, 'aside');
    else localStorage.removeItem(storageKey);
  }
  return { isDue, putAside };
}

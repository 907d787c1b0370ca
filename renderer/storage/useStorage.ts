// What is kept on disk: asked once a second while a job runs, else now and then, and only while somebody looks.
import { useRequest } from '../composables/useRequest.ts';
import { bridge } from '../link/console.ts';

const everyMs = 1_000;
/** Sizes change slowly, and each answer asks the disk. */
const idleEveryMs = 10_000;

export function useStorage() {
  let askedAtMs = -Infinity;
  const asked = useRequest(
    () => {
      askedAtMs = performance.now();
      return bridge.call('getStorage', {});
    },
    {
      everyMs,
      isDue: (): boolean => {
        const isWorking = asked.value.value?.jobs.some((job) => job.state === 'running') ?? false;
        return isWorking || performance.now() - askedAtMs >= idleEveryMs;
      },
    },
  );
  return asked;
}

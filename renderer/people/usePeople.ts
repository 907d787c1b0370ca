// A list that only administrators see: read when shown and after each change; the reason where it cannot be read.
import { onScopeDispose, ref, shallowRef } from 'vue';
import { useI18n } from 'vue-i18n';
import { describeFailure } from '../composables/describeFailure.ts';
import { useSessionStore } from '../stores/session.ts';

/** Sessions come and go unasked. */
const everyMs = 10_000;

export function usePeople<Row>(list: () => Promise<readonly Row[]>) {
  const { t } = useI18n();
  const session = useSessionStore();
  const rows = shallowRef<readonly Row[]>();
  const failure = ref('');

  async function readNow(): Promise<void> {
    try {
      rows.value = await list();
      failure.value = '';
    } catch (error) {
      failure.value = describeFailure(error, t);
    }
  }
  const read = (): void => void readNow();
  /** Does it, says why not, and reads again. */
  async function act(change: () => Promise<unknown>): Promise<void> {
    try {
      await change();
    } catch (error) {
      session.say(describeFailure(error, t));
    }
    await readNow();
  }
  read();
  const timer = setInterval(() => {
    if (session.isLive && !document.hidden) read();
  }, everyMs);
  onScopeDispose(() => {
    clearInterval(timer);
  });
  return { rows, failure, read, act };
}

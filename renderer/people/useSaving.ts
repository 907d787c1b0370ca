// One save of a form: under way, and what the host refused, at its field.
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { RefusalError } from '../bridge.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { problemText } from '../format/problemText.ts';

export function useSaving() {
  const { t } = useI18n();
  const isBusy = ref(false);
  const problems = ref<Readonly<Record<string, string>>>({});

  /** Undefined where it was refused; `problems` has the reason, under `''` where it is of no field. */
  async function save<Value>(call: () => Promise<Value>): Promise<Value | undefined> {
    if (isBusy.value) return undefined;
    isBusy.value = true;
    problems.value = {};
    try {
      return await call();
    } catch (error) {
      const refusal = error instanceof RefusalError ? error.refusal : undefined;
      const field = refusal?.field?.split('.')[0] ?? '';
      problems.value = { [field]: refusal && field ? problemText(refusal) : describeFailure(error, t) };
      return undefined;
    } finally {
      isBusy.value = false;
    }
  }
  return { isBusy, problems, save };
}

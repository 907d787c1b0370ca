// One attempt to log in: under way, refused and why, or told to wait, with the seconds that are left.
import { computed, onScopeDispose, ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { RefusalError } from '../bridge.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';

export function useLogin() {
  const { t } = useI18n();
  const problem = ref('');
  const isBusy = ref(false);
  const waitUntilMs = ref(0);
  const nowMs = ref(Date.now());
  const waitS = computed(() => Math.max(0, Math.ceil((waitUntilMs.value - nowMs.value) / 1_000)));
  const timer = setInterval(() => {
    nowMs.value = Date.now();
  }, 250);
  onScopeDispose(() => {
    clearInterval(timer);
  });

  /** True: logged in. */
  async function attempt(
    typed: { readonly user: string; readonly password: string } | { readonly token: string },
  ): Promise<boolean> {
    if (isBusy.value || waitS.value > 0) return false;
    isBusy.value = true;
    problem.value = '';
    try {
      await bridge.login(typed);
      return true;
    } catch (error) {
      refusedBy(error);
      return false;
    } finally {
      isBusy.value = false;
    }
  }
  function refusedBy(error: unknown): void {
    const refusal = error instanceof RefusalError ? error.refusal : undefined;
    nowMs.value = Date.now();
    waitUntilMs.value = nowMs.value + (refusal?.retryAfterMs ?? 0);
    if (refusal?.code === 'wrong_password') problem.value = t('login.wrong');
    else if (refusal?.code === 'not_logged_in') problem.value = t('login.wrongToken');
    else if (refusal?.code === 'too_many') problem.value = t('login.tooMany');
    else problem.value = describeFailure(error, t);
  }
  return { attempt, problem, isBusy, waitS };
}

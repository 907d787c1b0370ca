// The due times that a rhythm would have, as the host computes them; asked a moment after the last change.
import { onScopeDispose, ref, shallowRef, watch } from 'vue';
import { useI18n } from 'vue-i18n';
import { RefusalError } from '../bridge.ts';
import type { ParamsInput } from '../../scheduler/protocol/consoleWire.ts';
import type { Refusal } from '../../scheduler/protocol/outcome.ts';
import type { DuePreview } from '../../scheduler/protocol/schedule.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';

const typingPauseMs = 200;
/** What has passed is no due time to come. */
const lookEveryMs = 1_000;

/** `nowMs`: the host's clock. */
export function useDuePreview(timing: () => ParamsInput<'previewSchedule'>, nowMs: () => number) {
  const { t } = useI18n();
  const due = shallowRef<readonly DuePreview[]>([]);
  const refusal = shallowRef<Refusal>();
  /** No answer came: not the fault of what was typed. */
  const failure = ref('');
  let newest = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function ask(): Promise<void> {
    const number = ++newest;
    let answer: readonly DuePreview[] = [];
    let refused: Refusal | undefined;
    let failed = '';
    try {
      answer = (await bridge.call('previewSchedule', timing())).due;
    } catch (error) {
      if (error instanceof RefusalError) refused = error.refusal;
      else failed = describeFailure(error, t);
    }
    if (number !== newest) return;
    due.value = answer;
    refusal.value = refused;
    failure.value = failed;
  }
  watch(
    () => JSON.stringify(timing()),
    () => {
      clearTimeout(timer);
      timer = setTimeout(() => void ask(), typingPauseMs);
    },
  );
  void ask();
  const lookAgain = setInterval(() => {
    if ((due.value[0]?.dueMs ?? Infinity) < nowMs()) void ask();
  }, lookEveryMs);
  onScopeDispose(() => {
    newest = -1;
    clearTimeout(timer);
    clearInterval(lookAgain);
  });
  return { due, refusal, failure };
}

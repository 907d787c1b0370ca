// Cancel and retry: asks first where it hits running work or more than one task, then says what came of it.
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { formatTaskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskAnswer } from '../../scheduler/protocol/consoleAnswers.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { formatCount } from '../format/quantity.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';

type Act = 'cancel' | 'retry';
export interface Pending {
  readonly act: Act;
  readonly ids: readonly TaskId[];
}
const listedMax = 20;

export function useTaskActions(done: () => void) {
  const { t } = useI18n();
  const session = useSessionStore();
  const pending = ref<Pending>();

  /** One task is retried at once; a cancel always asks, since what runs cannot be brought back. */
  function request(act: Act, ids: readonly TaskId[]): void {
    if (ids.length === 0) return;
    if (act === 'retry' && ids.length === 1) void carryOut({ act, ids });
    else pending.value = { act, ids };
  }
  async function carryOut({ act, ids }: Pending): Promise<void> {
    pending.value = undefined;
    try {
      const taskIds = [...ids];
      const { answers } =
        act === 'cancel'
          ? await bridge.call('cancelTasks', { taskIds })
          : await bridge.call('requeueTasks', { taskIds });
      session.say(report(act, answers));
    } catch (error) {
      session.say(describeFailure(error, t));
    }
    done();
  }
  function report(act: Act, answers: readonly TaskAnswer[]): string {
    const refused = answers.flatMap((answer) => (answer.ok ? [] : [answer]));
    const taken = answers.length - refused.length;
    const text = taken > 0 ? t(`task.done.${act}`, { count: formatCount(taken) }, taken) : '';
    const [first] = refused;
    if (!first) return text;
    const why = t('task.refused', {
      count: formatCount(refused.length),
      id: formatTaskId(first.taskId),
      message: first.refusal.message,
    });
    return `${text} ${why}`.trim();
  }
  const linesOf = ({ ids }: Pending): readonly string[] => [
    ...ids.slice(0, listedMax).map(formatTaskId),
    ...(ids.length > listedMax ? ['…'] : []),
  ];
  return { pending, request, carryOut, linesOf };
}

// Saves bounds on history. What would go at once is counted first, and asked for.
import { ref } from 'vue';
import { useI18n } from 'vue-i18n';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { Retention, StorageState } from '../../scheduler/protocol/storage.ts';
import { endStates } from '../../scheduler/protocol/task.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';
import { type Loss, lossUnder } from './retentionOutlook.ts';

const dayMs = 86_400_000;

export function useRetentionSave(done: () => void) {
  const { t } = useI18n();
  const session = useSessionStore();
  /** Defined while the operator is asked. */
  const loss = ref<Loss>();
  const isSaving = ref(false);
  let wanted: Retention | undefined;

  async function ask(bounds: Retention, history: StorageState['history'], nowMs: number): Promise<void> {
    wanted = bounds;
    const reckoned = lossUnder(bounds, history, nowMs);
    const older = await countOlder(bounds, nowMs);
    const tasks = Math.max(older ?? 0, reckoned.tasks);
    if (tasks === 0 && reckoned.logBytes === 0) await save();
    else loss.value = { ...reckoned, tasks };
  }
  async function save(): Promise<void> {
    loss.value = undefined;
    if (!wanted) return;
    isSaving.value = true;
    try {
      await bridge.call('setRetention', wanted);
      session.say(t('storage.retentionSaved'));
      done();
    } catch (error) {
      session.say(describeFailure(error, t));
    } finally {
      isSaving.value = false;
    }
  }
  return { loss, isSaving, ask, save };
}

/** By age the host can say it better than a rule of three; undefined where it does not answer. */
async function countOlder({ daysMax }: Retention, nowMs: number): Promise<number | undefined> {
  if (daysMax === undefined) return undefined;
  const untilMs = ms(Math.max(0, Math.floor(nowMs - daysMax * dayMs)));
  try {
    const filter = { states: [...endStates], untilMs };
    return (await bridge.call('listTasks', { filter, limit: 1 })).total;
  } catch {
    return undefined;
  }
}

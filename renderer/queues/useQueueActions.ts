// Makes queues and changes their weight; a change of weight acts at once and can be undone.
import { useI18n } from 'vue-i18n';
import { queueName } from '../../scheduler/protocol/brands.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';

export function useQueueActions() {
  const { t } = useI18n();
  const session = useSessionStore();

  async function put(name: string, weight: number, before: number | undefined): Promise<boolean> {
    try {
      await bridge.call('putQueue', { queue: queueName(name), change: { weight } });
    } catch (error) {
      session.say(describeFailure(error, t));
      return false;
    }
    const undo = before === undefined ? undefined : () => void put(name, before, undefined);
    session.say(t('queue.weightNow', { queue: name, weight }), undo);
    return true;
  }
  return { put };
}

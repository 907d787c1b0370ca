// Makes, changes and removes queues; a change acts at once and can be undone.
import { useI18n } from 'vue-i18n';
import { queueName } from '../../scheduler/protocol/brands.ts';
import type { QueueChange, QueueSettings } from '../../scheduler/protocol/queue.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';
import { undoOf } from './settingsDraft.ts';

export function useQueueActions() {
  const { t } = useI18n();
  const session = useSessionStore();

  async function taken(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (error) {
      session.say(describeFailure(error, t));
      return false;
    }
  }
  const put = (name: string, change: QueueChange) =>
    taken(() => bridge.call('putQueue', { queue: queueName(name), change }));

  /** `before`: as it was, so that the change can be taken back. */
  async function change(name: string, asked: QueueChange, before?: QueueSettings): Promise<boolean> {
    if (!(await put(name, asked))) return false;
    const undo = before && (() => void put(name, undoOf(asked, before)));
    const said = asked.mode ? `queue.now.${asked.mode}` : before ? 'queue.changed' : 'queue.made';
    session.say(t(said, { queue: name }), undo, `queue ${name}`);
    return true;
  }
  async function remove(name: string): Promise<boolean> {
    const isGone = await taken(() => bridge.call('removeQueue', { queue: queueName(name) }));
    if (isGone) session.say(t('queue.removed', { queue: name }), undefined, `queue ${name}`);
    return isGone;
  }
  return { change, remove };
}

// Pauses, resumes, runs and removes schedules; a pause acts at once and can be undone.
import { useI18n } from 'vue-i18n';
import { formatTaskId } from '../../scheduler/protocol/brands.ts';
import { describeFailure } from '../composables/describeFailure.ts';
import { bridge } from '../link/console.ts';
import { useSessionStore } from '../stores/session.ts';

export function useScheduleActions(changed: () => void) {
  const { t } = useI18n();
  const session = useSessionStore();

  /** Tells whether it was done. */
  async function act(scheduleId: string, does: () => Promise<string>, undo?: () => void): Promise<boolean> {
    try {
      session.say(await does(), undo, `schedule ${scheduleId}`);
      return true;
    } catch (error) {
      session.say(describeFailure(error, t));
      return false;
    } finally {
      changed();
    }
  }
  const setPaused = (scheduleId: string, isPaused: boolean, canUndo = true): Promise<boolean> =>
    act(
      scheduleId,
      async () => {
        // Read anew: what somebody else changed meanwhile stays.
        const { spec } = await bridge.call('getSchedule', { scheduleId });
        await bridge.call('putSchedule', { scheduleId, spec: { ...spec, isPaused } });
        return t(isPaused ? 'schedule.now.paused' : 'schedule.now.active', { schedule: scheduleId });
      },
      canUndo ? () => void setPaused(scheduleId, !isPaused, false) : undefined,
    );
  const run = (scheduleId: string) =>
    act(scheduleId, async () => {
      const { taskId } = await bridge.call('runScheduleNow', { scheduleId });
      return t('schedule.now.run', { schedule: scheduleId, task: formatTaskId(taskId) });
    });
  const remove = (scheduleId: string) =>
    act(scheduleId, async () => {
      await bridge.call('removeSchedule', { scheduleId });
      return t('schedule.now.removed', { schedule: scheduleId });
    });
  return { setPaused, run, remove };
}

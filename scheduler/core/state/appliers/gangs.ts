// Events of gangs. What happens to a single member is an event of tasks.
import { ms, type TaskId, taskId } from '../../../protocol/brands.ts';
import { leaderOf } from '../gangTable.ts';
import { addTask, enterLineInTime, newTask } from '../taskMaking.ts';
import type { Appliers } from './types.ts';

type GangEvents = 'gang_admitted' | 'gang_broken' | 'gang_member_ended' | 'gang_backed_off';

/** Members follow the group's own id. */
const memberId = (groupId: TaskId, index: number): TaskId => taskId(groupId + 1 + index);

export const gangAppliers: Appliers<GangEvents> = {
  gang_admitted(state, { groupId, spec, submitter }, atMs) {
    const size = spec.gang?.size ?? 0;
    state.nextTaskId = Math.max(state.nextTaskId, memberId(groupId, size));
    const bytes = JSON.stringify(spec).length;
    for (let index = 0; index < size; index += 1) {
      const group = { kind: 'gang', groupId, index, size } as const;
      // The spec lies in memory once.
      const origin = {
        taskId: memberId(groupId, index),
        spec,
        submitter,
        group,
        bytes: index === 0 ? bytes : 0,
      };
      const member = newTask(state, origin, atMs);
      member.state = 'held';
      addTask(state, member);
    }
    enterLineInTime(state, leaderOf(state.gangs.mustGet(groupId)), atMs);
  },
  gang_broken(state, event) {
    state.gangs.mustGet(event.groupId).brokenBy = event.taskId;
  },
  gang_member_ended(state, event) {
    const member = state.tasks.mustGet(event.taskId);
    state.tasks.setState(member, 'held');
    member.untilMs = ms(0); // of an earlier backoff: it waits for the others now, and for no time
  },
  gang_backed_off(state, event) {
    const gang = state.gangs.mustGet(event.groupId);
    const cause = state.tasks.mustGet(event.taskId);
    gang.brokenBy = undefined;
    for (const member of gang.members) {
      state.tasks.setState(member, 'held');
      // An attempt of the gang counts once, as it counts for the member that ended it.
      member.platformLosses = cause.platformLosses;
      member.forgiven = cause.forgiven;
    }
    const leader = leaderOf(gang);
    state.tasks.setState(leader, 'backoff');
    leader.untilMs = event.untilMs;
    state.ready.mustGet(leader.spec.queue).backoff += 1;
  },
};

// The placing part of a turn: takes the next ready task, finds it a node, and says so. Asks that fit nowhere are set
// aside as a class and looked at again when a node gains room that they would fit in.
import { token } from '../../protocol/brands.ts';
import { placementsPerCycleMax } from '../../protocol/limits.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { avoidedBy } from './blame.ts';
import { dispatchOf } from './dispatch.ts';
import { placeGang } from './placeGang.ts';
import type { Turn } from './turn.ts';

/** Places up to `placementsPerCycleMax` tasks; true where more may be placed at once. */
export function placeReady(turn: Turn): boolean {
  const { state } = turn;
  for (let placed = 0; placed < placementsPerCycleMax;) {
    const task = state.ready.next(turn.nowMs);
    if (!task) return false;
    const gang = state.gangs.of(task);
    if (gang) {
      if (placeGang(turn, gang)) placed += gang.members.length;
      continue;
    }
    const node = state.placer.place(task.askClass, { avoid: avoidedBy(state, task) });
    if (node === undefined) {
      state.ready.block(task.askClass);
      continue;
    }
    const next = token(state.nextToken);
    turn.emit({
      kind: 'attempt_placed',
      taskId: task.taskId,
      token: next,
      nodeId: state.nodes.idOf(node),
      gpuMask: state.placer.devicesOn(node, task.askClass),
    });
    placed += 1;
    state.gangRoom.taken(node);
    if (!task.live) continue;
    state.timers.add({ dueMs: task.live.leaseUntilMs, kind: 'attempt', id: next });
    turn.effect(dispatchOf(state, task, task.live));
  }
  return true;
}

/** Wakes the blocked asks that fit on a node which gained room in this turn. */
export function wakeBlocked(state: SchedulerState): void {
  if (state.freed.size === 0) return;
  for (const ask of state.classes.askClasses) {
    if (!ask?.isBlocked || ask.gangSize > 0) continue;
    for (const node of state.freed) {
      if (!state.placer.fits(node, ask)) continue;
      state.ready.wake(ask);
      break;
    }
  }
  for (const ask of state.gangRoom.ripe(state.freed, state.nodes, state.placer)) state.ready.wake(ask);
  state.freed.clear();
}

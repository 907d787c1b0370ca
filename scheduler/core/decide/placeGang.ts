// Places a gang: room for every member or for none. While it is sought, what earlier members would take is really
// taken, and given back before anything is said.
import { type NodeIndex, token } from '../../protocol/brands.ts';
import { holdCapacity, releaseCapacity } from '../state/capacity.ts';
import { type Gang, leaderOf } from '../state/gangTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { avoidedBy } from './blame.ts';
import { dispatchOf } from './dispatch.ts';
import type { Turn } from './turn.ts';

interface Seat {
  readonly node: NodeIndex;
  readonly gpuMask: number;
}

/** All its attempts are in this turn's batch; or there is no room for all, and nothing is said. */
export function placeGang(turn: Turn, gang: Gang): boolean {
  const { state } = turn;
  const seats = seatsFor(state, gang);
  if (seats.length < gang.members.length) {
    const { askClass } = leaderOf(gang);
    state.ready.block(askClass);
    state.gangRoom.wait(
      askClass,
      gang.members.length,
      seats.map(({ node }) => node),
    );
    return false;
  }
  for (const [index, member] of gang.members.entries()) {
    const seat = seats[index];
    if (!seat) continue;
    const next = token(state.nextToken);
    const nodeId = state.nodes.idOf(seat.node);
    turn.emit({ kind: 'attempt_placed', taskId: member.taskId, token: next, nodeId, gpuMask: seat.gpuMask });
    state.gangRoom.taken(seat.node);
  }
  for (const member of gang.members) {
    if (!member.live) continue;
    state.timers.add({ dueMs: member.live.leaseUntilMs, kind: 'attempt', id: member.live.token });
    turn.effect(dispatchOf(state, member, member.live));
  }
  return true;
}

/** A seat for each member, or for as many as there is room for. */
function seatsFor(state: SchedulerState, gang: Gang): readonly Seat[] {
  const { askClass, spec } = leaderOf(gang);
  const avoid = avoidedBy(state, leaderOf(gang));
  const seats: Seat[] = [];
  while (seats.length < gang.members.length) {
    const node = state.placer.place(askClass, { avoid });
    if (node === undefined) break;
    const gpuMask = state.placer.devicesOn(node, askClass);
    holdCapacity(state, node, spec.ask, gpuMask);
    seats.push({ node, gpuMask });
  }
  for (const { node, gpuMask } of seats) releaseCapacity(state, node, spec.ask, gpuMask);
  return seats;
}

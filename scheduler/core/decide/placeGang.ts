// Places a gang: room for every member or for none. While it is sought, what earlier members would take is really
// taken, and given back before anything is said.
import { ms, type NodeId, type NodeIndex, token } from '../../protocol/brands.ts';
import type { Policy } from '../place/policy.ts';
import { type AskRules, changesFor } from '../state/askRules.ts';
import { holdCapacity, releaseCapacity } from '../state/capacity.ts';
import { type Gang, leaderOf } from '../state/gangTable.ts';
import type { AskClass } from '../state/classTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { holdPlace, releasePlace } from '../state/taskMaking.ts';
import type { Task } from '../state/taskTable.ts';
import { avoidedBy } from './blame.ts';
import { dispatchOf } from './dispatch.ts';
import type { Turn } from './turn.ts';

interface Seat {
  readonly node: NodeIndex;
  readonly gpuMask: number;
}

/** All its attempts are in this turn's batch; or there is no room for all, and nothing is said. */
export function placeGang(turn: Turn, gang: Gang, policy: Policy | undefined): boolean {
  const { state } = turn;
  const seats = seatsFor(state, gang, policy);
  if (seats.length < gang.members.length) {
    const { askClass } = leaderOf(gang);
    const found = seats.map(({ node }) => node);
    if (!askClass.rules) state.gangRoom.wait(askClass, gang.members.length, found);
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
    state.reservations.placed(member, member.live);
    state.watchAttempt(member.live, turn.nowMs);
    turn.effect(dispatchOf(state, member, member.live));
  }
  return true;
}

/** A seat for each member, or for as many as there is room for. */
function seatsFor(state: SchedulerState, gang: Gang, policy: Policy | undefined): readonly Seat[] {
  const leader = leaderOf(gang);
  const { askClass, spec } = leader;
  const avoid = avoidedBy(state, leader);
  const seats: (Seat & { readonly sitter: Task })[] = [];
  const seen = changesSeen(state, askClass);
  for (const member of gang.members) {
    const node = state.placer.place(askClass, { avoid, policy });
    if (node === undefined) break;
    const gpuMask = state.placer.devicesOn(node, askClass, policy);
    const sitter = sitterOf(member, node, gpuMask);
    if (askClass.rules) holdPlace(state, sitter);
    holdCapacity(state, node, spec.ask, gpuMask);
    seats.push({ node, gpuMask, sitter });
  }
  for (const { node, gpuMask, sitter } of seats) {
    if (askClass.rules) releasePlace(state, sitter);
    releaseCapacity(state, node, spec.ask, gpuMask);
  }
  for (const rules of seen) rules.seenChanges = changesFor(rules, state.nodes.version);
  return seats;
}

/** The member as it would be there, for the rules that count neighbours. */
function sitterOf(member: Task, node: NodeIndex, gpuMask: number): Task {
  const nobody = { attempt: 0, token: token(0), nodeId: '' as NodeId, placedAtMs: ms(0) };
  return { ...member, live: { ...nobody, node, gpuMask, startedAtMs: undefined, leaseUntilMs: 0 } };
}

/** Rules of asks that were set aside with all changes seen. Seats that are given back are no news to them. */
function changesSeen({ classes, nodes }: SchedulerState, { rules }: AskClass): readonly AskRules[] {
  if (!rules) return [];
  return classes.askClasses.flatMap((ask) => {
    const known = ask?.isBlocked === true ? ask.rules : undefined;
    return known && known.seenChanges === changesFor(known, nodes.version) ? [known] : [];
  });
}

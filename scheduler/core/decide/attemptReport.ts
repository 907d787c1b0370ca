// What agents report of their attempts. One for an attempt that is no longer theirs is stale: counted, not applied.
import { ms } from '../../protocol/brands.ts';
import type { NodeId, Token } from '../../protocol/brands.ts';
import type { ReportResults, ReportStarted } from '../../protocol/events.ts';
import { type AttemptEnd, isSuccess } from '../../protocol/attempt.ts';
import { liveAttemptOf } from '../state/schedulerState.ts';
import { attemptOf, attemptsOf, type LiveAttempt, type Task } from '../state/taskTable.ts';
import { watchForStraggling } from './copies.ts';
import { isSuspect, weighNode } from './blame.ts';
import { settleMember } from './gang.ts';
import { recordedEnd } from './nominees.ts';
import { settle } from './retry.ts';
import type { Turn } from './turn.ts';

/** What is said of an attempt that was stopped because the other one of its task has succeeded. */
export const overtaken = 'the other attempt of it succeeded first';

export function reportStarted(turn: Turn, command: ReportStarted): void {
  for (const token of command.tokens) {
    const found = liveAttemptOf(turn.state, command.nodeId, token);
    if (!found) {
      turn.state.staleReports += 1;
      continue;
    }
    found.live.leaseUntilMs = turn.state.attemptLeaseFrom(turn.nowMs, found.task.spec);
    if (found.live.startedAtMs === undefined) begun(turn, found.task, token);
  }
}

/** First sign that the attempt runs. */
export function begun(turn: Turn, task: Task, token: Token): void {
  turn.emit({ kind: 'attempt_started', token });
  startedLate(turn, task, token);
  watchForStraggling(turn, task);
}

/** From when an attempt that is late to start makes what is planned on its node untrue. */
const lateMs = 1_000;

/** It will end later than was taken for granted where room is kept. */
function startedLate({ state, nowMs }: Turn, task: Task, token: Token): void {
  const live = attemptOf(task, token);
  if (live && nowMs - live.placedAtMs >= lateMs) state.reservations.changed(live.node);
}

/** Every result may be acknowledged afterwards, the stale ones too: the agent has nothing more to tell. */
export function reportResults(turn: Turn, command: ReportResults): void {
  for (const { token, end } of command.results) {
    if (liveAttemptOf(turn.state, command.nodeId, token)) endAttempt(turn, token, end);
    else turn.state.staleReports += 1;
  }
}

export function endAttempt(turn: Turn, token: Token, reported: AttemptEnd): void {
  const task = turn.state.tasks.byToken(token);
  const live = attemptOf(task, token);
  if (!task || !live) return;
  const end = recordedEnd(task, live, reported);
  if (isSuccess(end)) stopOther(turn, task, token);
  const suspect = isSuspect(turn, live, end) ? { isSuspect: true as const } : undefined;
  const learned = isSuccess(end) ? { learnMs: lengthOf(turn, live, end) } : undefined;
  turn.emit({ kind: 'attempt_ended', token, end, ...suspect, ...learned });
  turn.state.freed.add(live.node);
  weighNode(turn, task, live, end);
  if (task.live) return; // the other attempt of it goes on
  const gang = turn.state.gangs.of(task);
  if (gang) settleMember(turn, gang, { task, end });
  else settle(turn, task, end);
}

/** How long it ran, in whole milliseconds. */
const lengthOf = ({ nowMs }: Turn, { startedAtMs, placedAtMs }: LiveAttempt, { runMs }: AttemptEnd): number =>
  Math.round(runMs ?? nowMs - (startedAtMs ?? placedAtMs));

/** One has succeeded: the other is stopped. Its own result will be stale. */
function stopOther(turn: Turn, task: Task, winner: Token): void {
  for (const { token, node, nodeId } of attemptsOf(task)) {
    if (token === winner) continue;
    turn.emit({ kind: 'attempt_ended', token, end: { reason: 'cancelled', message: overtaken } });
    turn.state.freed.add(node);
    turn.effect({ kind: 'stop', nodeId, token });
  }
}

/** The attempt's lease ran out, or was renewed meanwhile and the timer goes on. */
export function attemptTimer(turn: Turn, token: Token): void {
  const live = attemptOf(turn.state.tasks.byToken(token), token);
  if (!live) return;
  live.leaseUntilMs = Math.max(live.leaseUntilMs, turn.state.rejoinUntilMs);
  if (live.leaseUntilMs > turn.nowMs) {
    turn.state.watchAttempt(live, turn.nowMs);
    return;
  }
  const silentMs = ms(turn.nowMs - live.placedAtMs);
  const message = `no sign of it from ${live.nodeId}; placed ${String(Math.round(silentMs / 1_000))} s ago`;
  endAttempt(turn, token, { reason: 'lost', message });
}

/** Renews the leases that a node's heartbeat names. Soft state: no event. */
export function renewLeases(turn: Turn, nodeId: NodeId, tokens: readonly Token[]): void {
  for (const token of tokens) {
    const found = liveAttemptOf(turn.state, nodeId, token);
    if (found) found.live.leaseUntilMs = turn.state.attemptLeaseFrom(turn.nowMs, found.task.spec);
  }
}

// What agents report of their attempts. One for an attempt that is no longer theirs is stale: counted, not applied.
import { ms } from '../../protocol/brands.ts';
import type { NodeId, Token } from '../../protocol/brands.ts';
import type { ReportResults, ReportStarted } from '../../protocol/events.ts';
import type { AttemptEnd } from '../../protocol/attempt.ts';
import { liveAttemptOf } from '../state/schedulerState.ts';
import { isSuspect, weighNode } from './blame.ts';
import { settleMember } from './gang.ts';
import { recordedEnd } from './preempt.ts';
import { settle } from './retry.ts';
import type { Turn } from './turn.ts';

export function reportStarted(turn: Turn, command: ReportStarted): void {
  for (const token of command.tokens) {
    const found = liveAttemptOf(turn.state, command.nodeId, token);
    if (!found) {
      turn.state.staleReports += 1;
      continue;
    }
    found.live.leaseUntilMs = turn.state.attemptLeaseFrom(turn.nowMs);
    if (found.live.startedAtMs === undefined) turn.emit({ kind: 'attempt_started', token });
  }
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
  if (!task?.live) return;
  const { live } = task;
  const end = recordedEnd(task, live, reported);
  const suspect = isSuspect(turn, live, end) ? { isSuspect: true as const } : undefined;
  turn.emit({ kind: 'attempt_ended', token, end, ...suspect });
  turn.state.freed.add(live.node);
  weighNode(turn, task, live.node, end);
  const gang = turn.state.gangs.of(task);
  if (gang) settleMember(turn, gang, { task, end });
  else settle(turn, task, end);
}

/** The attempt's lease ran out, or was renewed meanwhile and the timer goes on. */
export function attemptTimer(turn: Turn, token: Token): void {
  const live = turn.state.tasks.byToken(token)?.live;
  if (!live) return;
  const untilMs = Math.max(live.leaseUntilMs, turn.state.rejoinUntilMs);
  if (untilMs > turn.nowMs) {
    turn.state.timers.add({ dueMs: untilMs, kind: 'attempt', id: token });
    return;
  }
  const silentMs = ms(turn.nowMs - live.placedAtMs);
  const message = `no sign of it from ${live.nodeId}; placed ${String(Math.round(silentMs / 1_000))} s ago`;
  endAttempt(turn, token, { reason: 'lost', message });
}

/** Renews the leases that a node's heartbeat names. Soft state: no event. */
export function renewLeases(turn: Turn, nodeId: NodeId, tokens: readonly Token[]): void {
  const untilMs = turn.state.attemptLeaseFrom(turn.nowMs);
  for (const token of tokens) {
    const found = liveAttemptOf(turn.state, nodeId, token);
    if (found) found.live.leaseUntilMs = untilMs;
  }
}

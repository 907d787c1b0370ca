// Who may be a node: enrolling with a token, another key for a node, shutting one out, and the tokens themselves.
import { ms, type NodeId } from '../../protocol/brands.ts';
import {
  type CreateEnrolment,
  type EnrolNode,
  keyOfPublic,
  type ReplaceKey,
  revokedKey,
  type RevokeEnrolment,
  type RevokeNode,
} from '../../protocol/identity.ts';
import { enrolmentsMax, nodesMax } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { standingOf } from '../state/enrolments.ts';
import { nodeState } from '../state/nodeTable.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import { endAttempt } from './attemptReport.ts';
import { unknownNode } from './nodeLifecycle.ts';
import type { Turn } from './turn.ts';

/** Longest life of a half-open socket: one ping interval and its timeout. */
const halfOpenMs = 45_000;

/**
 * Refuses `wrong_token`, `token_expired`, `token_used_up`, `node_revoked`, `wrong_key`, `already_connected`,
 * `fleet_full`. An agent that asks again with the same key, because it did not hear the answer, uses a token once.
 */
export function enrolNode(turn: Turn, command: EnrolNode): Outcome<undefined, Refusal> {
  const { nodeId, publicKey, tokenHash } = command;
  const key = keyOfPublic(publicKey);
  if (turn.state.nodeKeys.get(nodeId) === key) return accepted(undefined);
  const hindrance = tokenHash === undefined ? undefined : tokenHindrance(turn, nodeId, tokenHash);
  if (hindrance) return refused(hindrance);
  const { nodes, nodeKeys } = turn.state;
  if (!nodeKeys.has(nodeId) && Math.max(nodes.size, nodeKeys.size) >= nodesMax)
    return refused(refusal('fleet_full', `the plant has ${String(nodesMax)} nodes; remove one first`));
  turn.emit({ kind: 'node_enrolled', nodeId, key, ...(tokenHash !== undefined && { tokenHash }) });
  return accepted(undefined);
}

/** What the token says against it, or the key that the node has already. */
function tokenHindrance({ state, nowMs }: Turn, nodeId: NodeId, tokenHash: string): Refusal | undefined {
  return state.enrolments.hindrance(tokenHash, nodeId, nowMs) ?? nameHindrance(state, nodeId, tokenHash);
}

/** A token for everybody gives no node the name of another one. */
function nameHindrance(state: SchedulerState, nodeId: NodeId, tokenHash: string): Refusal | undefined {
  const before = state.nodeKeys.get(nodeId);
  if (before === undefined) return undefined;
  const token = state.enrolments.get(tokenHash);
  if (token?.nodeId === nodeId || (token?.mayReplace && before !== revokedKey))
    return isOnline(state, nodeId) ? alreadyConnected(nodeId) : undefined;
  const next = `make a token for the name ${nodeId} in the console, or give this node another name`;
  return before === revokedKey
    ? refusal('node_revoked', `node ${nodeId} was revoked; ${next}`)
    : refusal('wrong_key', `a node ${nodeId} with another key is known here; ${next}`);
}

/** Refuses `wrong_key` where `from` is not its key any more, for example because it was revoked meanwhile. */
export function replaceKey(turn: Turn, command: ReplaceKey): Outcome<undefined, Refusal> {
  const { nodeId, from, publicKey } = command;
  const before = turn.state.nodeKeys.get(nodeId);
  const key = keyOfPublic(publicKey);
  if (before === key) return accepted(undefined);
  if (before !== from || before === revokedKey)
    return refused(refusal('wrong_key', `the key of node ${nodeId} is not the one that asks to be replaced`));
  turn.emit({ kind: 'node_key_replaced', nodeId, key });
  return accepted(undefined);
}

export function revokeNode(turn: Turn, { nodeId, actor }: RevokeNode): Outcome<undefined, Refusal> {
  const { state } = turn;
  const node = state.nodes.indexOf(nodeId);
  const before = state.nodeKeys.get(nodeId);
  if (node === undefined && before === undefined) return refused(unknownNode(nodeId));
  if (before === revokedKey) return accepted(undefined);
  turn.emit({ kind: 'node_revoked', nodeId, actor });
  turn.effect({ kind: 'node_dropped', nodeId });
  if (node === undefined) return accepted(undefined);
  if (state.nodes.state[node] !== nodeState.lost) turn.emit({ kind: 'node_lost', nodeId });
  for (const token of [...state.nodes.attemptsOn(node)])
    endAttempt(turn, token, { reason: 'lost', message: `node ${nodeId} was revoked` });
  return accepted(undefined);
}

export function createEnrolment(turn: Turn, command: CreateEnrolment): Outcome<undefined, Refusal> {
  const { tokenHash, actor, mayReplace } = command;
  const { validMs, ...settings } = command.settings;
  const { enrolments } = turn.state;
  if (enrolments.size >= enrolmentsMax) {
    const useless = [...enrolments.all()].find((one) => standingOf(one, turn.nowMs) !== 'open');
    if (!useless) {
      const said = `${String(enrolmentsMax)} enrolment tokens can be used; revoke one first`;
      return refused(refusal('too_many', said));
    }
    turn.emit({ kind: 'enrolment_dropped', tokenHash: useless.tokenHash });
  }
  const createdAtMs = ms(turn.nowMs);
  const expiresAtMs = ms(turn.nowMs + validMs);
  const extra = mayReplace ? { mayReplace } : undefined;
  const enrolment = { tokenHash, ...settings, createdAtMs, expiresAtMs, uses: 0, actor, ...extra };
  turn.emit({ kind: 'enrolment_created', enrolment });
  return accepted(undefined);
}

export function revokeEnrolment(turn: Turn, command: RevokeEnrolment): Outcome<undefined, Refusal> {
  const found = turn.state.enrolments.byId(command.enrolmentId);
  if (!found) {
    const said = `there is no enrolment ${command.enrolmentId}; see the list of enrolments`;
    return refused(refusal('unknown_enrolment', said, { field: 'enrolmentId' }));
  }
  if (!found.isRevoked)
    turn.emit({ kind: 'enrolment_revoked', tokenHash: found.tokenHash, actor: command.actor });
  return accepted(undefined);
}

const isOnline = ({ nodes }: SchedulerState, nodeId: NodeId): boolean => {
  const node = nodes.indexOf(nodeId);
  return node !== undefined && nodes.state[node] === nodeState.online;
};

const alreadyConnected = (nodeId: NodeId): Refusal =>
  refusal(
    'already_connected',
    `a node named ${nodeId} is connected now; give this one another name, or stop the other first`,
    { retryAfterMs: halfOpenMs },
  );

// A node's life: enrolled, joined, silent, lost, back again, cordoned, forgotten.
import type { Epoch, NodeIndex, Token } from '../../protocol/brands.ts';
import type {
  DisconnectNode,
  ForgetNode,
  Heartbeat,
  HeldAttempt,
  JoinNode,
  SetCordon,
} from '../../protocol/events.ts';
import { keyOfPublic, revokedKey } from '../../protocol/identity.ts';
import { customResourcesMax, nodeClassesMax, nodesMax } from '../../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { closedBy, nodeState } from '../state/nodeTable.ts';
import { liveAttemptOf, type SchedulerState } from '../state/schedulerState.ts';
import { attemptOf, type Task } from '../state/taskTable.ts';
import { dispatchOf } from './dispatch.ts';
import { begun, endAttempt, renewLeases } from './attemptReport.ts';
import type { Turn } from './turn.ts';

export interface Joined {
  readonly epoch: Epoch;
  /** Attempts the agent holds that are not its to run. */
  readonly revoked: readonly Token[];
}

/** Takes the node in and compares what it holds with what it should hold. */
export function joinNode(turn: Turn, command: JoinNode): Outcome<Joined, Refusal> {
  const { state } = turn;
  const reason = whyNotJoined(state, command);
  if (reason) return refused(reason);
  noteLeaving(turn, state.nodes.indexOf(command.nodeId)); // its agent began anew
  turn.emit({ kind: 'node_joined', nodeId: command.nodeId, spec: command.spec });
  const node = mustIndex(state, command);
  state.watchNode(node, state.nodeLeaseFrom(turn.nowMs));
  reconcile(turn, node, command.held);
  state.freed.add(node);
  const revoked = command.held
    .filter(({ token }) => !liveAttemptOf(state, command.nodeId, token))
    .map(({ token }) => token);
  return accepted({ epoch: state.epoch, revoked });
}

/** Goes through what the host believes runs on the node, against what the agent holds. */
function reconcile(turn: Turn, node: NodeIndex, held: readonly HeldAttempt[]): void {
  const { state } = turn;
  const heldByToken = new Map(held.map((attempt) => [attempt.token, attempt.state]));
  for (const token of [...state.nodes.attemptsOn(node)]) {
    const task = state.tasks.byToken(token);
    const live = attemptOf(task, token);
    if (!task || !live) continue;
    live.leaseUntilMs = state.attemptLeaseFrom(turn.nowMs, task.spec);
    const holds = heldByToken.get(token);
    if (holds === undefined && live.startedAtMs !== undefined) {
      endAttempt(turn, token, { reason: 'agent_lost', message: 'the agent came back without it' });
      continue;
    }
    if (holds === 'running' && live.startedAtMs === undefined) begun(turn, task, token);
    if (isBeingStopped(state, task)) turn.effect({ kind: 'stop', nodeId: live.nodeId, token });
    else if (holds === undefined) turn.effect(dispatchOf(state, task, live)); // the first one never arrived
  }
}

/** Its stop may have been lost with the connection. */
const isBeingStopped = ({ gangs }: SchedulerState, task: Task): boolean =>
  task.state === 'cancelling' ||
  task.live?.preemptedBy !== undefined ||
  gangs.of(task)?.brokenBy !== undefined;

function whyNotJoined(state: SchedulerState, command: JoinNode): Refusal | undefined {
  const key = state.nodeKeys.get(command.nodeId);
  if (key === revokedKey) return refusal('node_revoked', `node ${command.nodeId} was revoked by an operator`);
  // Between its proof and this turn it may have got another key.
  if (command.publicKey !== undefined && key !== keyOfPublic(command.publicKey))
    return refusal('wrong_state', `node ${command.nodeId} has another key by now; connect again with that`);
  const isKnown = state.nodes.indexOf(command.nodeId) !== undefined;
  if (!isKnown && state.nodes.isFull)
    return refusal('fleet_full', `the plant has ${String(nodesMax)} nodes; remove one first`);
  if (!state.classes.hasRoomForNode(command.spec)) {
    const said = `${String(nodeClassesMax)} different sets of labels exist; keep names and numbers out of labels`;
    return refusal('class_limit', said, { field: 'spec.labels' });
  }
  const added = Object.keys(command.spec.resources.custom).filter(
    (name) => state.nodes.knownCustomColumn(name) === undefined,
  );
  if (state.nodes.customNames.length + added.length > customResourcesMax) {
    const known = state.nodes.customNames.join(', ');
    const first = added[0] ?? '';
    const said = `the plant knows ${String(customResourcesMax)} named resources (${known}); ${first} is one more`;
    return refusal('too_many', said, { field: 'spec.resources.custom' });
  }
  return undefined;
}

/** Soft state: renews the node's lease and those of its attempts. */
export function heartbeat(turn: Turn, command: Heartbeat): void {
  const { state } = turn;
  const node = state.nodes.indexOf(command.nodeId);
  if (node === undefined || state.nodes.state[node] !== nodeState.online) return;
  state.nodes.lastSeenMs[node] = turn.nowMs;
  state.nodes.leaseUntilMs[node] = state.nodeLeaseFrom(turn.nowMs);
  state.nodes.cpuUsed[node] = Math.round(command.cpuUsedMillicores);
  state.nodes.memoryUsed[node] = Math.round(command.memoryUsedMiB);
  renewLeases(turn, command.nodeId, command.running);
}

export function disconnectNode(turn: Turn, command: DisconnectNode): void {
  const node = turn.state.nodes.indexOf(command.nodeId);
  if (node === undefined || turn.state.nodes.state[node] !== nodeState.online) return;
  noteLeaving(turn, node);
  turn.emit({ kind: 'node_disconnected', nodeId: command.nodeId });
}

/** The node's lease ran out, or was renewed meanwhile and the timer goes on. */
export function nodeTimer(turn: Turn, node: NodeIndex): void {
  const { nodes, timers, timedNodes, rejoinUntilMs } = turn.state;
  const status = nodes.state[node];
  if (status === nodeState.free || status === nodeState.lost) {
    timedNodes.delete(node); // forgotten, or lost already; joining starts a new one
    return;
  }
  const untilMs = Math.max(nodes.leaseUntilMs[node] ?? 0, rejoinUntilMs);
  if (untilMs > turn.nowMs) {
    timers.add({ dueMs: untilMs, kind: 'node', id: node });
    return;
  }
  timedNodes.delete(node);
  noteLeaving(turn, node);
  const nodeId = nodes.idOf(node);
  turn.emit({ kind: 'node_lost', nodeId });
  turn.effect({ kind: 'node_dropped', nodeId }); // a socket that still hangs there is half-open: let it join anew
}

export function setCordon(turn: Turn, command: SetCordon): Outcome<undefined, Refusal> {
  const node = turn.state.nodes.indexOf(command.nodeId);
  if (node === undefined) return refused(unknownNode(command.nodeId));
  const { nodeId, isCordoned, actor } = command;
  const closed = turn.state.nodes.cordoned[node] ?? 0;
  const isChange = isCordoned ? (closed & closedBy.operator) === 0 : closed !== 0;
  if (isChange) turn.emit({ kind: 'node_cordon_set', nodeId, isCordoned, actor });
  if (!isCordoned) turn.state.freed.add(node);
  return accepted(undefined);
}

export function forgetNode(turn: Turn, command: ForgetNode): Outcome<undefined, Refusal> {
  const { nodes } = turn.state;
  const node = nodes.indexOf(command.nodeId);
  if (node === undefined) return refused(unknownNode(command.nodeId));
  if (nodes.state[node] === nodeState.online) {
    const said = `${command.nodeId} is connected; stop its agent first, then remove it`;
    return refused(refusal('wrong_state', said, { field: 'nodeId' }));
  }
  const attempts = nodes.attemptsOn(node).size;
  if (attempts > 0) {
    const said = `${command.nodeId} may still run ${String(attempts)} attempts; cancel them, or wait for their leases`;
    return refused(refusal('wrong_state', said, { field: 'nodeId' }));
  }
  turn.state.blame.close(node);
  turn.state.leavings.forget(node);
  turn.emit({ kind: 'node_forgotten', nodeId: command.nodeId, actor: command.actor });
  turn.effect({ kind: 'node_dropped', nodeId: command.nodeId });
  return accepted(undefined);
}

function noteLeaving({ state: { nodes, leavings }, nowMs }: Turn, node: NodeIndex | undefined): void {
  if (node !== undefined && nodes.state[node] === nodeState.online) leavings.note(node, nowMs);
}

export const unknownNode = (nodeId: string): Refusal =>
  refusal('unknown_node', `node ${nodeId} is not known here; see the list of nodes`, { field: 'nodeId' });

function mustIndex(state: SchedulerState, command: JoinNode): NodeIndex {
  const node = state.nodes.indexOf(command.nodeId);
  if (node === undefined) throw new Error(`node ${command.nodeId} did not join`);
  return node;
}

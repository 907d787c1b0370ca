// An operator declares that a node which is out of contact runs nothing any more: its tasks go elsewhere at once.
import type { DeclareLost } from '../../protocol/lostNodes.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import { nodeState } from '../state/nodeTable.ts';
import { endAttempt } from './attemptReport.ts';
import { unknownNode } from './nodeLifecycle.ts';
import type { Turn } from './turn.ts';

/**
 * Refuses `unknown_node`, and `wrong_state` for a node that is connected or still has time to come back after a restart
 * of the host. Whoever says so vouches for it: what the node still runs would run twice.
 */
export function declareLost(turn: Turn, { nodeId, actor }: DeclareLost): Outcome<undefined, Refusal> {
  const { nodes, leavings, rejoinUntilMs } = turn.state;
  const node = nodes.indexOf(nodeId);
  if (node === undefined) return refused(unknownNode(nodeId));
  const hindrance = hindranceOf(nodes.state[node] === nodeState.online, rejoinUntilMs - turn.nowMs);
  if (hindrance) return refused(refusal('wrong_state', `${nodeId} ${hindrance.said}`, hindrance.details));
  if (nodes.state[node] !== nodeState.lost) turn.emit({ kind: 'node_lost', nodeId });
  leavings.excused.add(node);
  for (const token of [...nodes.attemptsOn(node)])
    endAttempt(turn, token, { reason: 'lost', message: `${actor} declared node ${nodeId} lost` });
  return accepted(undefined);
}

function hindranceOf(isOnline: boolean, rejoinMs: number) {
  const field = 'nodeId';
  if (isOnline) return { said: 'is connected; cancel its tasks or cordon it instead', details: { field } };
  if (rejoinMs <= 0) return undefined;
  const seconds = String(Math.ceil(rejoinMs / 1_000));
  const said = `may still come back: the host started a moment ago; ask again in ${seconds} s`;
  return { said, details: { field, retryAfterMs: rejoinMs } };
}

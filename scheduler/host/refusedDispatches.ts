// What agents refused to begin: a stale epoch, a kind they do not offer, work they cannot read, a folder they keep
// tasks out of. The task goes on by its retry rules; the audit trail hears why, once a minute where it repeats.
import type { Engine } from '../engine/engine.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import { formatTaskId, type NodeId } from '../protocol/brands.ts';
import type { AttemptResult } from '../protocol/events.ts';

/** Enough for the sentence; the whole stands in the attempt. */
const messageLengthMax = 200;

/** To be asked before the results are decided on: only live attempts of this node are told. */
export function tellRefusals(
  { view, audit }: { readonly view: Engine['view']; readonly audit: RecordAudit },
  nodeId: NodeId,
  results: readonly AttemptResult[],
): void {
  for (const { token, end } of results) {
    if (end.reason !== 'refused') continue;
    const found = view.attemptByToken(token);
    if (found?.record.nodeId !== nodeId) continue;
    audit({
      action: 'dispatch_refused',
      actor: `agent:${nodeId}`,
      source: 'agent',
      outcome: 'refused',
      targets: [formatTaskId(found.taskId)],
      details: { message: (end.message ?? '').slice(0, messageLengthMax) },
    });
  }
}

// Reports of an agent about an attempt that another node runs: never honest, since a token is one node's for ever.
// They change nothing; the audit trail hears of them, once a minute and node.
import type { Engine } from '../engine/engine.ts';
import type { RecordAudit } from '../protocol/audit.ts';
import type { Ms, NodeId, Token } from '../protocol/brands.ts';
import { formatTaskId } from '../protocol/brands.ts';

const quietMs = 60_000;
/** Nodes whose last time is remembered: 50 B each. */
const nodesRemembered = 10_000;

export class ForgedReports {
  readonly #view: Engine['view'];
  readonly #clock: () => Ms;
  readonly #audit: RecordAudit;
  readonly #toldAtMs = new Map<NodeId, Ms>();

  constructor(view: Engine['view'], clock: () => Ms, audit: RecordAudit) {
    this.#view = view;
    this.#clock = clock;
    this.#audit = audit;
  }

  /** Looks whether one of these live attempts is another node's. O(tokens). */
  look(nodeId: NodeId, tokens: readonly Token[], message: string): void {
    for (const token of tokens) {
      const found = this.#view.attemptByToken(token);
      if (found === undefined || found.record.nodeId === nodeId) continue;
      this.#tell(nodeId, message, [formatTaskId(found.taskId)]);
      return;
    }
  }

  #tell(nodeId: NodeId, message: string, targets: readonly string[]): void {
    const nowMs = this.#clock();
    const toldAtMs = this.#toldAtMs.get(nodeId);
    if (toldAtMs !== undefined && nowMs - toldAtMs < quietMs) return;
    this.#toldAtMs.delete(nodeId);
    if (this.#toldAtMs.size >= nodesRemembered)
      for (const oldest of this.#toldAtMs.keys()) if (this.#toldAtMs.delete(oldest)) break;
    this.#toldAtMs.set(nodeId, nowMs);
    this.#audit({
      action: 'forged_report',
      actor: `agent:${nodeId}`,
      source: 'agent',
      outcome: 'refused',
      targets,
      details: { message },
    });
  }
}

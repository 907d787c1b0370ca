// Is an attempt's end in the journal one that its agent really had, and are the results of one agent applied in the order
// in which they ended?
import { overtaken } from '../../scheduler/core/decide/attemptReport.ts';
import type { NodeId, Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { AgentLedger } from './agentLedger.ts';
import type { Report } from './audit.ts';

/** What the core says itself of an attempt that its agent no longer holds. */
const withoutIt = 'the agent came back without it';

export class ResultWatch {
  isMuted = false;
  /** The journal lost results that agents were told are safe: they no longer hold those. */
  #isJournalShorter = false;
  readonly #report: Report;
  readonly #ledgerOf: (nodeId: NodeId) => AgentLedger | undefined;
  readonly #late = new Set<Token>();
  readonly #lastOrder = new Map<NodeId, number>();

  constructor(report: Report, ledgerOf: (nodeId: NodeId) => AgentLedger | undefined) {
    this.#report = report;
    this.#ledgerOf = ledgerOf;
  }

  /** What was applied in batches that are gone is told again. */
  journalIsShorter(): void {
    this.#isJournalShorter = true;
    this.#lastOrder.clear();
  }

  /** Copies of messages of a connection that is gone follow no order. */
  readonly cameLate = (tokens: readonly Token[]): void => {
    for (const token of tokens) this.#late.add(token);
  };

  ended(nodeId: NodeId, token: Token, recorded: AttemptEnd): void {
    if (recorded.message === overtaken) return; // its agent has not been heard yet
    if (this.isMuted || recorded.reason === 'lost') return; // the lease check knows whether it was time
    const ledger = this.#ledgerOf(nodeId);
    if (!ledger) return;
    // The core says itself that it was stopped for another task.
    const end = ledger.asTold(token, recorded);
    const name = `${nodeId}: token ${String(token)}`;
    if (end.message === withoutIt) {
      if (!ledger.hasForgotten(token, this.#isJournalShorter))
        this.#report('invented-end', `${name} was called lost, and the agent holds it`);
      return;
    }
    if (!ledger.hadEnd(token, end))
      this.#report('invented-end', `${name} never ended with ${end.reason} on its agent`);
    if (this.#late.has(token)) return;
    const order = ledger.orderOf(token, end);
    if (order < (this.#lastOrder.get(nodeId) ?? 0))
      this.#report('order', `${name} ended before another whose result was applied first`);
    this.#lastOrder.set(nodeId, order);
  }
}

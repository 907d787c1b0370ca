// What an agent knows of its attempts, and how a rewritten ledger says it.
import type { Token } from '../scheduler/protocol/brands.ts';
import type { LedgerEntry } from './ledgerLine.ts';

/**
 * `running`: taken, and no result durable yet. `finished`: its result waits for the hub.
 * `acknowledged`: the hub has it. `revoked`: the hub took it away.
 */
export type KnownState = 'running' | 'finished' | 'acknowledged' | 'revoked';
export type Entry<Kind extends LedgerEntry['kind']> = Extract<LedgerEntry, { kind: Kind }>;
export interface Known {
  state: KnownState;
  start?: Entry<'start'>;
  process?: Entry<'process'>;
  result?: Entry<'result'>;
}

/** Results in the order in which they ended (`pending`), whatever order the attempts began in. */
export function snapshotOf(
  known: ReadonlyMap<Token, Known>,
  pending: Iterable<Token>,
  suspectUpTo: number,
): readonly LedgerEntry[] {
  const begun: LedgerEntry[] = [];
  const settled: LedgerEntry[] = [];
  const tokens: Record<'acknowledged' | 'revoked', Token[]> = { acknowledged: [], revoked: [] };
  for (const [token, { state, start, process, result }] of known) {
    if (start) begun.push(start);
    if (process && !result) begun.push(process);
    if (state === 'running' || state === 'finished') continue;
    if (result) settled.push(result);
    tokens[state].push(token);
  }
  const results = [...pending].map((token) => known.get(token)?.result);
  const at = Date.now();
  return [
    ...(suspectUpTo > 0 ? [{ kind: 'damage', at, upTo: suspectUpTo as Token } as const] : []),
    ...begun,
    ...settled,
    ...results.filter((result) => result !== undefined),
    ...sliced(tokens.acknowledged).map((ended) => ({ kind: 'ack', at, tokens: ended }) as const),
    ...sliced(tokens.revoked).map((ended) => ({ kind: 'revoked', at, tokens: ended }) as const),
  ];
}

/** Pieces of at most 1,000 tokens, so that no ledger line grows past what a reader takes. */
function sliced(tokens: readonly Token[]): Token[][] {
  const pieces: Token[][] = [];
  for (let from = 0; from < tokens.length; from += 1_000) pieces.push(tokens.slice(from, from + 1_000));
  return pieces;
}

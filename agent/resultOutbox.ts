// Which attempts this agent knows: what it runs, results kept until the hub has acknowledged them, tokens already used.
import type { HeldAttempt } from '../scheduler/protocol/events.ts';
import type { TaskId, Token } from '../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../scheduler/protocol/task.ts';
import type { AttemptName } from './hubMessages.ts';
import type { LedgerEntry, LedgerPort } from './ledger.ts';
import type { ProcessIdentity } from './processTree.ts';

/** Tokens remembered after their attempt has ended, so that a dispatch repeated by the hub runs nothing twice. */
const knownTokensMax = 10_000;

export interface AttemptResult {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly end: AttemptEnd;
}
/**
 * `running`: taken, and no result durable yet. `finished`: its result waits for the hub.
 * `acknowledged`: the hub has it. `revoked`: the hub took it away.
 */
export type KnownState = 'running' | 'finished' | 'acknowledged' | 'revoked';
type Entry<Kind extends LedgerEntry['kind']> = Extract<LedgerEntry, { kind: Kind }>;
interface Known {
  state: KnownState;
  start?: Entry<'start'>;
  process?: Entry<'process'>;
  result?: Entry<'result'>;
}
export interface Unfinished extends AttemptName {
  readonly process?: ProcessIdentity | undefined;
}

export class ResultOutbox {
  readonly #ledger: LedgerPort;
  readonly #tokensMax: number;
  readonly #known = new Map<Token, Known>();

  /** `entries`: what the ledger held when it was opened. */
  constructor(ledger: LedgerPort, entries: readonly LedgerEntry[] = [], tokensMax: number = knownTokensMax) {
    this.#ledger = ledger;
    this.#tokensMax = tokensMax;
    for (const entry of entries) this.#replay(entry);
    this.#forgetOldest();
  }

  stateOf(token: Token): KnownState | undefined {
    return this.#known.get(token)?.state;
  }
  /** Whose the output of this attempt is, or undefined where the hub does not want it. */
  logOwnerOf(token: Token): TaskId | undefined {
    const known = this.#known.get(token);
    return known?.state === 'revoked' ? undefined : known?.start?.taskId;
  }

  /** Resolves when the start is durable: only then may work begin. */
  async recordStart({ token, taskId, attempt }: AttemptName): Promise<void> {
    const start = { kind: 'start', at: Date.now(), token, taskId, attempt } as const;
    this.#known.set(token, { state: 'running', start });
    this.#ledger.append(start);
    await this.#ledger.durable();
    this.#forgetOldest();
  }

  recordProcess(token: Token, identity: ProcessIdentity): void {
    const entry = { kind: 'process', at: Date.now(), token, ...identity } as const;
    const known = this.#known.get(token);
    if (known) known.process = entry;
    this.#ledger.append(entry);
  }

  /** Resolves when the result is durable: with it, or with undefined where the hub took the attempt away meanwhile. */
  async recordResult(name: AttemptName, end: AttemptEnd): Promise<AttemptResult | undefined> {
    const { token, taskId, attempt } = name;
    const result = { kind: 'result', at: Date.now(), token, taskId, attempt, end: { ...end } } as const;
    const known: Known = this.#known.get(token) ?? { state: 'running' };
    this.#known.set(token, known);
    known.result = result;
    try {
      this.#ledger.append(result);
      await this.#ledger.durable();
    } finally {
      // With a full disk the result is still worth telling: it then lives in memory until it is acknowledged.
      if (known.state === 'running') known.state = 'finished';
    }
    if (this.#ledger.isLarge()) this.#ledger.compact(this.#snapshot());
    return this.stateOf(token) === 'finished' ? { token, taskId, end } : undefined;
  }

  /** Drops the copies the hub has. Not fsynced: a result sent once too often is recognised by its token. */
  acknowledge(tokens: readonly Token[]): void {
    const had = tokens.filter((token) => this.stateOf(token) === 'finished');
    if (had.length === 0) return;
    this.#settle(had, 'acknowledged');
    this.#ledger.append({ kind: 'ack', at: Date.now(), tokens: had });
    this.#forgetOldest();
  }

  revoke(tokens: readonly Token[]): void {
    const had = tokens.filter((token) => ['running', 'finished'].includes(this.stateOf(token) ?? ''));
    if (had.length === 0) return;
    this.#settle(had, 'revoked');
    this.#ledger.append({ kind: 'revoked', at: Date.now(), tokens: had });
  }

  pending(): readonly AttemptResult[] {
    const pending: AttemptResult[] = [];
    for (const { state, result } of this.#known.values()) {
      if (state === 'finished' && result)
        pending.push({ token: result.token, taskId: result.taskId, end: result.end });
    }
    return pending;
  }
  pendingOf(token: Token): AttemptResult | undefined {
    const known = this.#known.get(token);
    if (known?.state !== 'finished' || !known.result) return undefined;
    return { token, taskId: known.result.taskId, end: known.result.end };
  }

  /** What a join tells the hub. */
  held(): readonly HeldAttempt[] {
    const held: HeldAttempt[] = [];
    for (const [token, { state }] of this.#known) {
      if (state === 'running' || state === 'finished') held.push({ token, state });
    }
    return held;
  }

  /** After a restart: attempts that began and have no result, taken away or not. */
  unfinished(): readonly Unfinished[] {
    const unfinished: Unfinished[] = [];
    for (const { start, process, result } of this.#known.values()) {
      if (!start || result) continue;
      const { token, taskId, attempt } = start;
      unfinished.push({ token, taskId, attempt, process });
    }
    return unfinished;
  }

  #settle(tokens: readonly Token[], state: KnownState): void {
    for (const token of tokens) {
      const known = this.#known.get(token);
      if (known) known.state = state;
    }
  }

  #replay(entry: LedgerEntry): void {
    switch (entry.kind) {
      case 'start':
        this.#known.set(entry.token, { state: 'running', start: entry });
        return;
      case 'process':
        this.#change(entry.token, (known) => (known.process = entry));
        return;
      case 'result':
        if (!this.#known.has(entry.token)) this.#known.set(entry.token, { state: 'running' });
        this.#change(entry.token, (known) => {
          known.result = entry;
          if (known.state === 'running') known.state = 'finished';
        });
        return;
      case 'ack':
        this.#settle(entry.tokens, 'acknowledged');
        return;
      case 'revoked':
        this.#settle(entry.tokens, 'revoked');
    }
  }
  #change(token: Token, change: (known: Known) => void): void {
    const known = this.#known.get(token);
    if (known) change(known);
  }

  #snapshot(): readonly LedgerEntry[] {
    const entries: LedgerEntry[] = [];
    const acknowledged: Token[] = [];
    const revoked: Token[] = [];
    for (const [token, known] of this.#known) {
      if (known.start) entries.push(known.start);
      if (known.process && !known.result) entries.push(known.process);
      if (known.result) entries.push(known.result);
      if (known.state === 'acknowledged') acknowledged.push(token);
      if (known.state === 'revoked') revoked.push(token);
    }
    const at = Date.now();
    for (const tokens of sliced(acknowledged)) entries.push({ kind: 'ack', at, tokens });
    for (const tokens of sliced(revoked)) entries.push({ kind: 'revoked', at, tokens });
    return entries;
  }

  #forgetOldest(): void {
    if (this.#known.size <= this.#tokensMax) return;
    for (const [token, { state, result }] of this.#known) {
      if (this.#known.size <= this.#tokensMax) return;
      if (result && (state === 'acknowledged' || state === 'revoked')) this.#known.delete(token);
    }
  }
}

/** Pieces of at most 1,000 tokens, so that no ledger line grows past what a reader takes. */
function sliced(tokens: readonly Token[]): Token[][] {
  const pieces: Token[][] = [];
  for (let from = 0; from < tokens.length; from += 1_000) pieces.push(tokens.slice(from, from + 1_000));
  return pieces;
}

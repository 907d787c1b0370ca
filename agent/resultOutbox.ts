// Which attempts this agent knows: what it runs, results kept until the hub has acknowledged them, tokens already used.
import type { HeldAttempt } from '../scheduler/protocol/events.ts';
import type { TaskId, Token } from '../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../scheduler/protocol/attempt.ts';
import type { AttemptName } from './hubMessages.ts';
import type { LedgerPort } from './ledger.ts';
import type { DamagedLine, LedgerEntry } from './ledgerLine.ts';
import { type Entry, type Known, type KnownState, snapshotOf } from './ledgerSnapshot.ts';
import type { ProcessIdentity } from './processTree.ts';
import { UnsavedEntries } from './unsavedEntries.ts';

/** Tokens remembered after their attempt has ended, so that a dispatch repeated by the hub runs nothing twice. */
const knownTokensMax = 10_000;

export interface AttemptResult {
  readonly token: Token;
  readonly taskId: TaskId;
  readonly end: AttemptEnd;
}
export interface Unfinished extends AttemptName {
  readonly process?: ProcessIdentity | undefined;
}

export class ResultOutbox {
  readonly #ledger: LedgerPort;
  readonly #tokensMax: number;
  readonly #onTrouble: (message: string) => void;
  readonly #known = new Map<Token, Known>();
  /** Results that the hub has not acknowledged, in the order in which the attempts ended. */
  readonly #pending = new Map<Token, AttemptResult>();
  readonly #unsaved: UnsavedEntries;
  #newestToken = 0;
  #suspectUpTo = 0;

  /** `entries`: what the ledger held when it was opened. `onTrouble`: is told when the disk refuses and takes again. */
  constructor(
    ledger: LedgerPort,
    entries: readonly LedgerEntry[] = [],
    tokensMax: number = knownTokensMax,
    onTrouble: (message: string) => void = () => undefined,
  ) {
    this.#ledger = ledger;
    this.#tokensMax = tokensMax;
    this.#onTrouble = onTrouble;
    this.#unsaved = new UnsavedEntries(ledger, onTrouble);
    for (const entry of entries) this.#replay(entry);
    this.#forgetOldest();
  }

  /**
   * Lines that cannot be read may have named attempts that ran. From now on no token runs that is unknown and not
   * newer than all that the ledger names. Rewrites the ledger, so that the damaged file is set aside.
   */
  takeDamage(damaged: readonly DamagedLine[]): void {
    if (damaged.length === 0) return;
    const named = damaged.flatMap(({ tokens }) => tokens);
    this.#suspectUpTo = named.reduce((most, token) => Math.max(most, token), this.#newestToken);
    this.#compact();
  }
  /** True where this agent cannot know whether it ran the attempt already. */
  mayHaveRun(token: Token): boolean {
    return token <= this.#suspectUpTo && !this.#known.has(token);
  }
  get pendingCount(): number {
    return this.#pending.size;
  }

  stateOf(token: Token): KnownState | undefined {
    return this.#known.get(token)?.state;
  }
  /** Whose the output of this attempt is, or undefined where the hub does not want it. */
  logOwnerOf(token: Token): TaskId | undefined {
    const known = this.#known.get(token);
    return known?.state === 'revoked' ? undefined : (known?.start ?? known?.result)?.taskId;
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

  /**
   * Resolves when the result is durable, or kept in memory where the disk refuses it: with it, or with undefined
   * where the hub took the attempt away meanwhile.
   */
  async recordResult(name: AttemptName, end: AttemptEnd): Promise<AttemptResult | undefined> {
    const { token, taskId, attempt } = name;
    const result = { kind: 'result', at: Date.now(), token, taskId, attempt, end: { ...end } } as const;
    const known: Known = this.#known.get(token) ?? { state: 'running' };
    this.#known.set(token, known);
    known.result = result;
    // With a full disk the result is still worth telling: it then lives in memory until the disk takes it.
    await this.#unsaved.save(result);
    if (known.state === 'running') this.#finish(known, result);
    if (this.#ledger.isLarge()) this.#compact();
    return this.#pending.get(token);
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

  /** In the order in which they ended. */
  pending(): readonly AttemptResult[] {
    return [...this.#pending.values()];
  }
  pendingOf(token: Token): AttemptResult | undefined {
    return this.#pending.get(token);
  }

  /** What a join tells the hub: what runs, then what ended, newest first. */
  held(): readonly HeldAttempt[] {
    const held: HeldAttempt[] = [];
    for (const [token, { state }] of this.#known) if (state === 'running') held.push({ token, state });
    for (const token of [...this.#pending.keys()].reverse()) held.push({ token, state: 'finished' });
    return held;
  }

  /** After a restart: attempts that began and have no result, taken away or not. */
  unfinished(): readonly Unfinished[] {
    const unfinished: Unfinished[] = [];
    for (const { state, start, process, result } of this.#known.values()) {
      if (!start || result || state === 'acknowledged') continue;
      const { token, taskId, attempt } = start;
      unfinished.push({ token, taskId, attempt, process });
    }
    return unfinished;
  }

  close(): void {
    this.#unsaved.close();
  }

  #finish(known: Known, { token, taskId, end }: Entry<'result'>): void {
    known.state = 'finished';
    this.#pending.set(token, { token, taskId, end });
  }

  #settle(tokens: readonly Token[], state: KnownState): void {
    for (const token of tokens) {
      this.#pending.delete(token);
      const known = this.#known.get(token);
      if (!known) continue;
      known.state = state;
      if (known.result) known.result = withoutCheckpoint(known.result);
    }
  }

  #replay(entry: LedgerEntry): void {
    if ('token' in entry) this.#newestToken = Math.max(this.#newestToken, entry.token);
    switch (entry.kind) {
      case 'start':
        this.#replayStart(entry);
        return;
      case 'process':
        this.#change(entry.token, (known) => (known.process = entry));
        return;
      case 'result':
        if (!this.#known.has(entry.token)) this.#known.set(entry.token, { state: 'running' });
        this.#change(entry.token, (known) => {
          known.result = entry;
          if (known.state === 'running') this.#finish(known, entry);
        });
        return;
      case 'ack':
        this.#settle(entry.tokens, 'acknowledged');
        return;
      case 'revoked':
        this.#settle(entry.tokens, 'revoked');
        return;
      case 'damage':
        this.#suspectUpTo = Math.max(this.#suspectUpTo, entry.upTo);
    }
  }
  /** Never over what is known: a compaction may have raced with the death of the agent. */
  #replayStart(start: Entry<'start'>): void {
    if (this.#known.has(start.token)) this.#change(start.token, (known) => (known.start = start));
    else this.#known.set(start.token, { state: 'running', start });
  }
  #change(token: Token, change: (known: Known) => void): void {
    const known = this.#known.get(token);
    if (known) change(known);
  }

  /** A disk without room for the new file keeps the old one: it grows on, and is tried again with the next result. */
  #compact(): void {
    try {
      this.#ledger.compact(snapshotOf(this.#known, this.#pending.keys(), this.#suspectUpTo));
    } catch (error) {
      this.#onTrouble(`the ledger cannot be rewritten: ${(error as Error).message}`);
    }
  }

  #forgetOldest(): void {
    if (this.#known.size <= this.#tokensMax) return;
    for (const [token, { state, result }] of this.#known) {
      if (this.#known.size <= this.#tokensMax) return;
      if (result && (state === 'acknowledged' || state === 'revoked')) this.#known.delete(token);
    }
  }
}

/** Told and done with: only the token has to be remembered, thousands of them for long. */
function withoutCheckpoint(result: Entry<'result'>): Entry<'result'> {
  if (result.end.checkpoint === undefined) return result;
  const end = { ...result.end };
  delete end.checkpoint;
  return { ...result, end };
}

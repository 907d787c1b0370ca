// What an agent has on its disk: which attempts it began and how they ended, record by record. A killed agent finds all
// that it wrote; a power cut takes what was not synced; what a full disk refused was only in memory.
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { HeldAttempt } from '../../scheduler/protocol/events.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';

export interface LedgerEntry {
  readonly token: Token;
  readonly taskId: TaskId;
  state: 'running' | 'finished' | 'acknowledged' | 'revoked';
  end: AttemptEnd | undefined;
  /** Clock of the agent when it ended. */
  endedAtMs: number;
}
interface LedgerRecord {
  readonly kind: 'start' | 'end' | 'acknowledged' | 'revoked';
  readonly token: Token;
  readonly taskId: TaskId;
  readonly end?: AttemptEnd;
  readonly atMs: number;
  /** Refused by a full disk. */
  readonly isInMemory: boolean;
}
type Settled = 'acknowledged' | 'revoked';

export class AgentLedger {
  isFull = false;
  readonly counts = { lostRecords: 0, lostResults: 0 };
  #records: LedgerRecord[] = [];
  #synced = 0;
  readonly #entries = new Map<Token, LedgerEntry>();
  /** Results to tell, in the order in which they ended. */
  readonly #pending = new Set<LedgerEntry>();
  /** For the checks: tokens of which this disk lost something. */
  readonly #forgotten = new Set<Token>();
  /** For the checks: each end that this agent ever had, and its place among all of them. */
  readonly #had = new Map<string, number>();
  /** Ends that a crash took: the same end may come again later. */
  readonly #lostEnds = new Set<string>();
  #ends = 0;

  get(token: Token): LedgerEntry | undefined {
    return this.#entries.get(token);
  }
  /** Whether this agent ever had this end for the attempt. */
  hadEnd(token: Token, end: AttemptEnd): boolean {
    return this.#had.has(nameOf(token, end));
  }
  /** The end as the agent told it, where the core recorded that it was stopped for another. O(ends). */
  asTold(token: Token, recorded: AttemptEnd): AttemptEnd {
    if (recorded.reason !== 'preempted') return recorded;
    const start = nameOf(token, undefined);
    for (const name of this.#had.keys())
      if (name.startsWith(start)) return JSON.parse(name.slice(start.length)) as AttemptEnd;
    return recorded;
  }
  /** Place of this end among all ends on this agent. */
  orderOf(token: Token, end: AttemptEnd): number {
    return this.#had.get(nameOf(token, end)) ?? 0;
  }
  /** Whether it cannot know what became of the attempt, though it was given it. */
  hasForgotten(token: Token, isSettledToo: boolean): boolean {
    const state = this.#entries.get(token)?.state;
    const isSettled = state === 'acknowledged' || state === 'revoked';
    return this.#forgotten.has(token) || (isSettledToo && isSettled);
  }

  remember({ token, taskId }: Pick<LedgerEntry, 'token' | 'taskId'>, atMs: number): void {
    if (!this.#entries.has(token)) this.#write({ kind: 'start', token, taskId, atMs });
  }
  conclude({ token, taskId }: Pick<LedgerEntry, 'token' | 'taskId'>, end: AttemptEnd, atMs: number): void {
    this.#write({ kind: 'end', token, taskId, end, atMs });
  }
  settle(token: Token, kind: Settled, atMs: number): void {
    const entry = this.#entries.get(token);
    const isLater = entry?.state === 'finished' || (entry?.state === 'running' && kind === 'revoked');
    if (entry && isLater) this.#write({ kind, token, taskId: entry.taskId, atMs });
  }
  /** All that was written is on the disk from now on. */
  sync(): void {
    this.#synced = this.#records.length;
  }

  /** What a join tells the hub. */
  held(): HeldAttempt[] {
    const held: HeldAttempt[] = [];
    for (const { token, state } of this.#entries.values())
      if (state === 'running' || state === 'finished') held.push({ token, state });
    return held;
  }
  /** Results that the hub has not acknowledged, in the order in which they ended. */
  pending(): readonly LedgerEntry[] {
    return [...this.#pending];
  }
  get isTold(): boolean {
    return this.#pending.size === 0;
  }

  /** The agent is gone: with its memory, and after a power cut with so many records of the unsynced tail. */
  crash(keptOfTail: (records: number) => number): void {
    const tail = this.#records.length - this.#synced;
    const kept = this.#synced + keptOfTail(tail);
    const lost = this.#records.filter(({ isInMemory }, at) => at >= kept || isInMemory);
    for (const { kind, token, end } of lost) {
      if (kind === 'end') this.counts.lostResults += 1;
      if (end) this.#lostEnds.add(nameOf(token, end));
      this.#forgotten.add(token);
    }
    this.counts.lostRecords += lost.length;
    const left = this.#records.filter(({ isInMemory }, at) => at < kept && !isInMemory);
    this.#records = [];
    this.#entries.clear();
    this.#pending.clear();
    for (const record of left) this.#take(record);
    this.sync();
  }
  /** What had begun and has no end was lost with the agent. */
  recover(atMs: number): void {
    for (const entry of [...this.#entries.values()])
      if (entry.end === undefined)
        this.conclude(entry, { reason: 'agent_lost', message: 'the agent ended while it ran' }, atMs);
    this.sync();
  }

  #write(record: Omit<LedgerRecord, 'isInMemory'>): void {
    this.#take({ ...record, isInMemory: this.isFull });
  }

  #take(record: LedgerRecord): void {
    this.#records.push(record);
    const { kind, token, taskId, end, atMs } = record;
    const entry = this.#entries.get(token) ?? {
      token,
      taskId,
      state: 'running',
      end: undefined,
      endedAtMs: 0,
    };
    this.#entries.set(token, entry);
    if (kind === 'end') this.#end(entry, end, atMs);
    else if (kind !== 'start') {
      entry.state = kind;
      this.#pending.delete(entry);
    }
  }

  #end(entry: LedgerEntry, end: AttemptEnd | undefined, atMs: number): void {
    if (entry.end !== undefined || end === undefined) return;
    entry.end = end;
    entry.endedAtMs = atMs;
    const name = nameOf(entry.token, end);
    if (this.#had.has(name) && !this.#lostEnds.delete(name)) {
      this.#finish(entry);
      return;
    }
    this.#ends += 1;
    this.#had.set(name, this.#ends);
    this.#finish(entry);
  }

  #finish(entry: LedgerEntry): void {
    if (entry.state !== 'running') return;
    entry.state = 'finished';
    this.#pending.add(entry);
  }
}

const nameOf = (token: Token, end: AttemptEnd | undefined): string =>
  `${token} ${end ? JSON.stringify(end) : ''}`;

// What an agent has on its disk: which attempts it began and how they ended. Survives a crash of the agent.
import type { TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { HeldAttempt } from '../../scheduler/protocol/events.ts';
import type { AttemptEnd } from '../../scheduler/protocol/task.ts';

export interface LedgerEntry {
  readonly token: Token;
  readonly taskId: TaskId;
  state: 'running' | 'finished' | 'acknowledged' | 'revoked';
  isStartDurable: boolean;
  end: AttemptEnd | undefined;
}

export class AgentLedger {
  readonly #entries = new Map<Token, LedgerEntry>();

  get(token: Token): LedgerEntry | undefined {
    return this.#entries.get(token);
  }
  remember({ token, taskId }: Pick<LedgerEntry, 'token' | 'taskId'>): LedgerEntry {
    const known = this.#entries.get(token);
    if (known) return known;
    const entry: LedgerEntry = { token, taskId, state: 'running', isStartDurable: false, end: undefined };
    this.#entries.set(token, entry);
    return entry;
  }
  settle(token: Token, state: 'acknowledged' | 'revoked'): void {
    const entry = this.#entries.get(token);
    if (entry?.state === 'finished' || (entry?.state === 'running' && state === 'revoked'))
      entry.state = state;
  }

  /** What a join tells the hub. */
  held(): HeldAttempt[] {
    return [...this.#entries.values()].flatMap(({ token, state }) =>
      state === 'running' || state === 'finished' ? [{ token, state }] : [],
    );
  }
  /** Results that the hub has not acknowledged. */
  pending(): LedgerEntry[] {
    return [...this.#entries.values()].filter(({ state }) => state === 'finished');
  }

  /** What the disk had not taken is gone. */
  crash(): void {
    for (const [token, entry] of this.#entries) if (!entry.isStartDurable) this.#entries.delete(token);
  }
  /** What had begun and has no end was lost with the agent. */
  recover(): void {
    for (const entry of this.#entries.values()) {
      if (entry.end !== undefined) continue;
      entry.end = { reason: 'agent_lost', message: 'the agent on this node ended while the attempt ran' };
      if (entry.state === 'running') entry.state = 'finished';
    }
  }
}

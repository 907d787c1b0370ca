// The two ports between a connection and what does the work: a real node, or a pretended one.
import type { Dispatch, LogAck } from '../scheduler/protocol/agentWire.ts';
import type { Token } from '../scheduler/protocol/brands.ts';
import type { HeldAttempt } from '../scheduler/protocol/events.ts';
import type { AttemptName } from './hubMessages.ts';
import type { NodeUse } from './resourceProbe.ts';
import type { AttemptResult } from './resultOutbox.ts';

export interface AttemptExecutor {
  /** Must run a token once, however often it comes. */
  run(dispatch: Dispatch): void;
  /** Ends the attempt with reason `refused`. */
  refuse(name: AttemptName, message: string): void;
  stop(tokens: readonly Token[]): void;
  /** As stop, but nothing may be reported. */
  revoke(tokens: readonly Token[]): void;
  /** Its lease ends: as stop, with reason `lost` and this grace. */
  leaseOver(token: Token, message: string, graceMs: number): void;
  held(): readonly HeldAttempt[];
  running(): readonly Token[];
  use(): NodeUse;
  /** Every durable result that the hub has not acknowledged. */
  pendingResults(): readonly AttemptResult[];
  resultsAcked(tokens: readonly Token[]): void;
  logAcked(ack: LogAck): void;
  /** The hub has welcomed us and has been sent the pending results: logs may follow. */
  joined(): void;
}

/** How an executor tells the hub. Both are sent once per event-loop turn, with everything of that turn. */
export interface AttemptReports {
  started(token: Token): void;
  result(result: AttemptResult): void;
}

// The answer of an operation that the caller must expect to be refused.
export type Outcome<Value, Reason> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly reason: Reason };

export const accepted = <Value>(value: Value) => ({ ok: true, value }) as const;
export const refused = <Reason>(reason: Reason) => ({ ok: false, reason }) as const;

/**
 * Why something from outside was turned away. `code` is stable and for programs; `message` names the thing, the limit
 * and the next step; `field` is the path of the field at fault, where there is one.
 */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly field?: string;
  /** How long to wait before the same call may succeed, in milliseconds. */
  readonly retryAfterMs?: number;
  /** With `moved`: the port of the same address that takes this agent. */
  readonly port?: number;
}

export type RefusalCode =
  | 'bad_message' // does not have the shape of the contract
  | 'wire_version' // speaks another version of the contract
  | 'wrong_token'
  | 'token_expired'
  | 'token_used_up'
  | 'not_logged_in' // nobody yet, or the session is over
  | 'wrong_password' // name or password; which of them is not said
  | 'weak_password'
  | 'forbidden' // another role, or rights on another queue, are needed
  | 'unknown_user'
  | 'wrong_key'
  | 'already_connected'
  | 'node_revoked'
  | 'fleet_full'
  | 'moved' // connect to `port` instead
  | 'later' // a place in a storm of joins: come back after exactly `retryAfterMs`
  | 'too_large'
  | 'too_many'
  | 'unknown_method'
  | 'unknown_queue'
  | 'unknown_task'
  | 'unknown_node'
  | 'unknown_resource'
  | 'unknown_licence'
  | 'unknown_schedule'
  | 'unknown_enrolment'
  | 'unknown_calendar'
  | 'never_due' // no due time within ten years
  | 'impossible_ask' // no node of any size could ever run it
  | 'queue_full'
  | 'class_limit'
  | 'key_conflict' // the idempotency key belongs to a different task
  | 'wrong_state'
  | 'cannot_listen' // the address is taken, not ours, or there are too few file descriptors
  | 'recovering'
  | 'stopping'
  | 'storage_failed';

export const refusal = (
  code: RefusalCode,
  message: string,
  more: { field?: string; retryAfterMs?: number; port?: number } = {},
): Refusal => ({ code, message, ...more });

/** Thrown by a read that cannot be answered for a reason that the asker should know; a refusal at the edge. */
export class Refused extends Error {
  readonly refusal: Refusal;
  constructor(why: Refusal) {
    super(why.message);
    this.name = 'Refused';
    this.refusal = why;
  }
}

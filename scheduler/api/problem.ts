// Refusals as HTTP says them: a status for each code, and a problem answer after RFC 9457.
import type { Refusal, RefusalCode } from '../protocol/outcome.ts';

/** What only HTTP can refuse. */
type DoorCode =
  | 'unknown_path'
  | 'wrong_method'
  | 'wrong_type'
  | 'foreign_origin'
  | 'failed_inside'
  | 'unreadable' // no HTTP, or not of a kind that is safe to read
  | 'too_slow'
  | 'head_too_large'
  | 'unmet_expectation';
export type ProblemCode = RefusalCode | DoorCode;

/** A refusal, or one that only this door knows. */
export interface DoorRefusal extends Omit<Refusal, 'code'> {
  readonly code: ProblemCode;
  /** Headers that belong to it: `Allow`, `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly field?: string;
  readonly retryAfterMs?: number;
}

export const problemType = 'application/problem+json';

/** Status and title of each code. A title does not change from one occurrence to the next. */
export const problems: Readonly<Record<ProblemCode, readonly [status: number, title: string]>> = {
  bad_message: [400, 'The request does not have the shape of the contract'],
  wire_version: [400, 'Another version of the contract'],
  wrong_token: [401, 'The token is missing or wrong'],
  token_expired: [401, 'The token has expired'],
  token_used_up: [401, 'The token was used as often as it may be'],
  not_logged_in: [401, 'Log in first'],
  wrong_password: [401, 'Name or password is wrong'],
  wrong_key: [401, 'The key is wrong'],
  node_revoked: [403, 'The node was revoked or forgotten'],
  forbidden: [403, 'The role or the queue of the token does not allow this'],
  unreadable: [400, 'This is no HTTP request'],
  too_slow: [408, 'The request took too long'],
  unmet_expectation: [417, 'Only 100-continue can be expected'],
  head_too_large: [431, 'The head of the request is too large'],
  foreign_origin: [403, 'Web pages of others may not call this'],
  unknown_path: [404, 'Nothing here'],
  unknown_method: [404, 'There is no such method'],
  unknown_task: [404, 'There is no such task'],
  unknown_user: [404, 'There is no such user or token'],
  unknown_node: [404, 'There is no such node'],
  unknown_enrolment: [404, 'There is no such enrolment'],
  wrong_method: [405, 'This path does not take this method'],
  already_connected: [409, 'Already connected'],
  key_conflict: [409, 'The idempotency key belongs to a different task'],
  wrong_state: [409, 'Not possible in the present state'],
  too_large: [413, 'Too large'],
  wrong_type: [415, 'Only JSON is taken'],
  weak_password: [422, 'The password is too easy to guess'],
  unknown_queue: [422, 'There is no such queue'],
  unknown_schedule: [404, 'There is no such schedule'],
  unknown_calendar: [422, 'There is no such calendar'],
  never_due: [422, 'It would never be due'],
  unknown_resource: [422, 'There is no such resource'],
  unknown_licence: [422, 'There is no such licence'],
  impossible_ask: [422, 'No node could ever run it'],
  class_limit: [422, 'Too many different asks'],
  too_many: [429, 'Too many at a time'],
  moved: [421, 'Another port takes this'],
  later: [503, 'Not yet'],
  cannot_listen: [500, 'Cannot listen'],
  failed_inside: [500, 'The host failed inside'],
  storage_failed: [500, 'The store failed'],
  fleet_full: [503, 'The fleet is full'],
  queue_full: [503, 'The queue is full'],
  recovering: [503, 'The host is starting'],
  stopping: [503, 'The host is stopping'],
};

export function problemOf({ code, message, field, retryAfterMs }: DoorRefusal): Problem {
  const [status, title] = problems[code];
  return {
    type: `urn:millrace:problem:${code}`,
    title,
    status,
    detail: message,
    code,
    ...(field !== undefined && field !== '' && { field }),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
  };
}

/** What beside the body tells of a problem. */
export function headersOf({ headers, retryAfterMs }: DoorRefusal): Record<string, string> {
  return {
    'content-type': problemType,
    ...headers,
    ...(retryAfterMs !== undefined && { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) }),
  };
}

// What somebody who logs in is told, and what it does not tell: whether there is such a user.
import { type Refusal, refusal } from '../protocol/outcome.ts';

export const wrongPassword = refusal('wrong_password', 'name or password is wrong');
export const sessionOver = refusal('not_logged_in', 'the session is over; log in again');
export const busy = refusal('too_many', 'many log in now; try again in a moment', { retryAfterMs: 2_000 });
export const lockedOut = (retryAfterMs: number): Refusal =>
  refusal('too_many', `too many wrong passwords; wait ${Math.ceil(retryAfterMs / 1_000)} s`, {
    retryAfterMs,
  });

// The text an operator copies to a machine that is to become a node: TOKEN, or TOKEN.PIN where the hub speaks TLS.
// The pin says which certificate authority is the plant's, so that nobody in between can pretend to be its hub.
import { accepted, type Outcome, refused } from './outcome.ts';

export interface EnrolCode {
  readonly token: string;
  /** SHA-256 of the authority's certificate (DER), base64url. */
  readonly pin?: string;
}

const codeLengthMax = 320;
const pinShape = /^[A-Za-z0-9_-]{43}$/;

/** Tokens contain no dot. */
export const formatEnrolCode = (token: string, pin?: string): string =>
  pin === undefined ? token : `${token}.${pin}`;

/** Refuses in words where it was not copied whole. */
export function readEnrolCode(text: string): Outcome<EnrolCode, string> {
  if (text === '' || text.length > codeLengthMax)
    return refused(`must have 1 to ${String(codeLengthMax)} characters`);
  const at = text.indexOf('.');
  if (at === -1) return accepted({ token: text });
  const [token, pin] = [text.slice(0, at), text.slice(at + 1)];
  if (token !== '' && pinShape.test(pin)) return accepted({ token, pin });
  return refused('is not whole: what follows the dot must have 43 characters; copy the enrolment code again');
}

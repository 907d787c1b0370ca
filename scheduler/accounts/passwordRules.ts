// Which passwords are too easy to guess. Length and a short deny list, and nothing else (NIST SP 800-63B-4, 3.1.1.2):
// rules of composition make people write passwords down.
import { passwordLengthMin } from '../protocol/accountLimits.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';

/** Long ones that lists of leaked passwords have, and words of this program. Repeated, they are as easy. */
const denied = [
  'password',
  'passw0rd',
  'millrace',
  'qwertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'administrator',
  'operator',
  'engineer',
  'letmein',
  'welcome',
  'iloveyou',
  '1234567890',
  '0123456789',
  '123456789',
  '12345678',
  '987654321',
  'abcdefghijklmnopqrstuvwxyz',
];

/** Undefined where it may be used. `field`: where the password was typed. */
export function weaknessOf(password: string, user: string, field: string): Refusal | undefined {
  const text = password.normalize('NFKC');
  const length = Array.from(text).length;
  if (length < passwordLengthMin)
    return weak(`the password has ${length} characters; it needs at least ${passwordLengthMin}`, field);
  if (isGuessable(text.toLowerCase(), user))
    return weak(
      'the password is one of those that are tried first; several words of your own are better',
      field,
    );
  return undefined;
}

/** What is left once known words are taken out is too short to guess at. */
function isGuessable(text: string, user: string): boolean {
  let rest = text;
  for (const word of user.length > 2 ? [user, ...denied] : denied) rest = rest.replaceAll(word, '');
  if (rest.length < passwordLengthMin / 3) return true;
  return new Set(text).size < 5 || /^(.{1,5})\1+.{0,4}$/u.test(text);
}

const weak = (message: string, field: string): Refusal => refusal('weak_password', message, { field });

// Takes secrets out of what is written to logs and support bundles.
const secretName = /token|key|secret|password|auth|cookie/i;
/** Long runs of base64url: our keys and tokens have 43 characters. */
const secretText = /[A-Za-z0-9_-]{40,}/g;
const hidden = '[redacted]';
/** Deeper than any log field of ours; what is below is not written. */
const depthMax = 4;
const textLengthMax = 2_000;

export const redactText = (text: string): string => text.slice(0, textLengthMax).replace(secretText, hidden);

/**
 * A copy without secrets: texts under a name that speaks of one, and texts that look like one. Numbers stay: an
 * attempt's token is one, and no secret.
 */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Error) return redactText(value.stack ?? value.message);
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= depthMax) return '[deeper]';
  if (Array.isArray(value)) return value.map((item: unknown) => redact(item, depth + 1));
  const entries = Object.entries(value).map(([name, item]: [string, unknown]) => [
    name,
    isSecret(name, item) ? hidden : redact(item, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

const isSecret = (name: string, value: unknown): boolean =>
  secretName.test(name) && typeof value !== 'number' && typeof value !== 'boolean' && value !== undefined;

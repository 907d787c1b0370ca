// Takes secrets out of what is written to logs and support bundles.
const secretName = /token|key|secret|passw|passphrase|auth|cookie|credential|bearer|enrol(ment)?_?code/i;
/** Long runs of base64url: our keys and tokens have 43 characters. */
const secretText = /[A-Za-z0-9_-]{40,}/g;
/** What is written as `token=...`, `password: ...` or `Bearer ...` inside a text. */
const spokenSecret =
  /\b(bearer\s+|(?:[\w-]*(?:token|secret|password|passphrase|api[_-]?key)"?\s*[=:]\s*"?))[^\s"',;&]+/gi;
const hidden = '[redacted]';
/** Deeper than any log field of ours; what is below is not written. */
const depthMax = 4;
const textLengthMax = 2_000;
/** Read before the cut, or half of a secret would be left at its end. Five times as much, since hiding shortens. */
const textReadMax = 5 * textLengthMax;

export const redactText = (text: string): string =>
  text
    .slice(0, textReadMax)
    .replace(secretText, hidden)
    .replace(spokenSecret, (_all, before: string) => `${before}${hidden}`)
    .slice(0, textLengthMax);

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
    redactText(name),
    isSecret(name, item) ? hidden : redact(item, depth + 1),
  ]);
  return Object.fromEntries(entries);
}

const isSecret = (name: string, value: unknown): boolean =>
  secretName.test(name) && typeof value !== 'number' && typeof value !== 'boolean' && value !== undefined;

/** Shorter ones would hide ordinary words. */
const knownLengthMin = 8;
/** Secrets that a process holds at a time: the plant's own, and those it made, such as of sessions. */
const knownMax = 1_000;
/** The first ones are the plant's own, and are never forgotten. */
const ownMax = 8;

/** Secrets that this process knows, taken out of finished lines wherever they stand and whatever they look like. */
export class KnownSecrets {
  readonly #texts = new Set<string>();

  add(secret: string): void {
    if (secret.length < knownLengthMin) return;
    const oldest = this.#texts.size < knownMax ? undefined : [...this.#texts][ownMax];
    if (oldest !== undefined) this.#texts.delete(oldest);
    this.#texts.add(secret);
    // As it stands inside JSON.
    this.#texts.add(JSON.stringify(secret).slice(1, -1));
  }

  hide(line: string): string {
    let left = line;
    for (const secret of this.#texts) if (left.includes(secret)) left = left.replaceAll(secret, hidden);
    return left;
  }
}

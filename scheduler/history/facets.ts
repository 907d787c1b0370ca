// The keys under which a task is found: each facet of it, and each three characters of its text, as one number.
import { type EndState, endStates } from '../protocol/task.ts';
import { workKinds } from '../protocol/work.ts';
import { checksumOf } from './checksum.ts';

/** Where a key comes from. `present`: all tasks of a segment. */
const facets = {
  state: 0,
  queue: 1,
  tenant: 2,
  node: 3,
  label: 4,
  trigram: 5,
  missed: 6,
  present: 7,
} as const;
type Facet = keyof typeof facets;
const facetCount = 8;

/** `value`: a whole number below 2^48. */
export const keyOf = (facet: Facet, value: number): number => value * facetCount + facets[facet];
export const presentKey = keyOf('present', 0);
/** Tasks that ended after their deadline. Every build has it, if without places; those of older versions do not. */
export const missedKey = keyOf('missed', 0);

export const codeOfState = (state: EndState): number => endStates.indexOf(state);
export const stateOfCode = (code: number): EndState => endStates[code] ?? 'succeeded';
export const kindCodes = workKinds;

/** 48 bits: among 10,000,000 different labels another one has the same key with a chance of 1 in 28,000,000. */
export function labelKey(label: string, value: string): number {
  const text = `${label}=${value}`;
  let hash = 0x811c9dc5; // FNV-1a
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return keyOf('label', checksumOf(text) * 0x10000 + ((hash >>> 0) % 0x10000));
}

/** A text of fewer characters has no key, and is looked for in the tasks themselves. */
export const trigramLength = 3;

export function trigramKeyAt(text: string, at: number): number {
  const high = text.charCodeAt(at) * 0x1_0000_0000;
  return keyOf('trigram', high + text.charCodeAt(at + 1) * 0x10000 + text.charCodeAt(at + 2));
}

export function trigramKeysOf(text: string): number[] {
  const keys = new Set<number>();
  for (let at = 0; at + trigramLength <= text.length; at += 1) keys.add(trigramKeyAt(text, at));
  return [...keys];
}

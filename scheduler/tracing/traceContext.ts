// W3C trace context: reading and writing `traceparent`, and ids that are the same whoever works them out.
import { createHash } from 'node:crypto';

export interface TraceParent {
  /** 32 hexadecimal digits, not all 0. */
  readonly traceId: string;
  /** 16 hexadecimal digits, not all 0. */
  readonly spanId: string;
  readonly isSampled: boolean;
}
/** What an attempt finds in its environment, and what a submit may bring there. */
export const traceVariable = 'TRACEPARENT';

/** Undefined for anything that is not exactly what the recommendation says: then a trace of our own begins. */
export function readTraceparent(text: string | undefined): TraceParent | undefined {
  const found = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(text ?? '');
  const [, traceId = '', spanId = '', flags = ''] = found ?? [];
  if (!found || /^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export const writeTraceparent = ({ traceId, spanId, isSampled }: TraceParent): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;

/** The same parts give the same id, in this life of the host and in the next. */
export const traceIdOf = (...parts: readonly (string | number)[]): string => digest(parts, 32);
export const spanIdOf = (...parts: readonly (string | number)[]): string => digest(parts, 16);

const digest = (parts: readonly (string | number)[], digits: number): string =>
  createHash('sha256').update(parts.join('\0')).digest('hex').slice(0, digits);

/** By the end of the id, so that all who look at the same trace with the same ratio decide alike. */
export const isChosen = (traceId: string, ratio: number): boolean =>
  Number.parseInt(traceId.slice(-8), 16) < ratio * 2 ** 32;

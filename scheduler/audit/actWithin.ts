// Brings an act within the bounds of an entry: what a stranger sent may be long, and may hold a secret.
import type { AuditAct } from '../protocol/audit.ts';
import { auditTargetsMax, auditTextLengthMax } from '../protocol/auditLimits.ts';

const nameLengthMax = 256;

export function actWithin(
  { action, actor, source, outcome, targets, count, details }: AuditAct,
  redact: (details: AuditAct['details']) => AuditAct['details'],
): AuditAct {
  const named = count ?? (targets.length > auditTargetsMax ? targets.length : undefined);
  const told = details && redact(details);
  return {
    action: nameWithin(action),
    actor: nameWithin(actor),
    source: nameWithin(source),
    outcome,
    targets: targets.slice(0, auditTargetsMax).map(nameWithin),
    ...(named !== undefined && { count: named }),
    ...(told && {
      details: Object.fromEntries(
        Object.entries(told).map(([name, value]) => [
          name,
          typeof value === 'string' ? value.slice(0, auditTextLengthMax) : value,
        ]),
      ),
    }),
  };
}

/** Without what a file or a screen would change: an entry has to be read again as it was written. */
const nameWithin = (name: string): string =>
  // Half a pair of surrogates becomes a sign of its own on the way through bytes.
  Buffer.from(name.slice(0, nameLengthMax))
    .toString()
    .replace(/\p{Cc}/gu, '\u{fffd}');

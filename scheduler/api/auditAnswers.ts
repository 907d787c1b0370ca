// Answers about the audit trail, as schemas.
import * as v from 'valibot';
import { type AuditCheck, auditOutcomes, type AuditPage, type AuditState } from '../protocol/audit.ts';
import { amount, answerOf, count } from './answerOf.ts';

const entry = v.object({
  seq: count,
  atMs: amount,
  action: v.string(),
  actor: v.string(),
  source: v.string(),
  outcome: v.picklist(auditOutcomes),
  targets: v.array(v.string()),
  count: v.exactOptional(count),
  details: v.exactOptional(v.record(v.string(), v.union([v.string(), v.number(), v.boolean()]))),
  previous: v.string(),
  hash: v.string(),
});
const page = answerOf<AuditPage>()(
  v.object({ entries: v.array(entry), nextBefore: v.exactOptional(count), tookMs: amount }),
);
const check = answerOf<AuditCheck>()(
  v.object({
    state: v.picklist(['running', 'good', 'bad', 'failed']),
    startedAtMs: amount,
    done: count,
    total: count,
    seq: v.exactOptional(count),
    hash: v.exactOptional(v.string()),
    fault: v.exactOptional(v.object({ seq: count, message: v.string() })),
    found: v.exactOptional(count),
    message: v.exactOptional(v.string()),
  }),
);
const state = answerOf<AuditState>()(
  v.object({
    firstSeq: count,
    lastSeq: count,
    lastHash: v.string(),
    oldestAtMs: v.exactOptional(amount),
    bytes: count,
    actors: v.array(v.string()),
    actions: v.array(v.string()),
    failure: v.exactOptional(v.string()),
    check: v.exactOptional(check),
  }),
);

export const auditAnswers = { AuditPage: page, AuditCheck: check, AuditState: state } as const;

// The answer to "why does this task wait?", as a schema.
import * as v from 'valibot';
import type { WhyAnswer } from '../protocol/why.ts';
import { amount, answerOf, count, waiting } from './answerOf.ts';

const facts = v.record(v.string(), v.union([v.number(), v.string()]));
/** Trees are two deep today; what lies deeper is not described. */
const part = v.object({ reason: v.string(), facts, causes: v.array(v.any()) });
const cause = v.object({ reason: v.string(), facts, causes: v.array(part) });
const score = v.number();

export const why = answerOf<WhyAnswer>()(
  v.object({
    taskId: count,
    waiting,
    dominant: v.string(),
    verdict: v.picklist(['now', 'later', 'never']),
    causes: v.array(cause),
    helps: v.array(v.object({ lifts: v.string(), nodes: count, nodeId: v.exactOptional(v.string()), facts })),
    expected: v.exactOptional(
      v.object({
        atMs: amount,
        fromMs: amount,
        untilMs: amount,
        basis: v.picklist(['time', 'ends', 'rate']),
      }),
    ),
    registered: count,
    funnel: v.array(v.object({ reason: v.string(), remaining: count, removed: count })),
    nearMisses: v.array(
      v.object({
        nodeId: v.string(),
        lacks: v.array(v.object({ reason: v.string(), has: v.string(), needs: v.string() })),
      }),
    ),
    ahead: count,
    waitsFor: v.exactOptional(v.array(v.object({ taskId: count, ref: v.string() }))),
    untilMs: v.exactOptional(amount),
    placedOn: v.exactOptional(v.string()),
    there: v.exactOptional(
      v.object({
        nodeId: v.string(),
        policy: v.string(),
        considered: count,
        score,
        second: v.exactOptional(v.object({ nodeId: v.string(), score })),
      }),
    ),
  }),
);

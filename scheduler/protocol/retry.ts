// How often and when a task is tried again.
import * as v from 'valibot';
import { type AttemptEnd, isPlatformLoss, reportedEndReasons } from './attempt.ts';
import * as limits from './limits.ts';
import { wholeFrom, wholeUpTo } from './text.ts';

/**
 * What decides over another attempt, before `attemptsMax` does: the first rule that fits an end counts. A rule with
 * both exit codes and reasons fits either.
 */
export const retryRuleSchema = v.pipe(
  v.strictObject({
    exitCodes: v.exactOptional(v.pipe(v.array(wholeUpTo(255)), v.minLength(1), v.maxLength(256))),
    reasons: v.exactOptional(v.pipe(v.array(v.picklist(reportedEndReasons)), v.minLength(1))),
    /** `free`: tried again without spending one of the task's own attempts, at most `platformRetriesMax` times. */
    then: v.picklist(['retry', 'free', 'dead_letter']),
    /** In place of the task's own, for ends of this class. */
    backoffMs: v.exactOptional(wholeUpTo(limits.backoffCapMaxMs)),
  }),
  v.check(
    (rule) => rule.exitCodes !== undefined || rule.reasons !== undefined,
    'names neither exitCodes nor reasons: it would fit nothing',
  ),
);
export type RetryRule = v.InferOutput<typeof retryRuleSchema>;

export const retrySchema = v.strictObject({
  /** Attempts in all, the first one included. */
  attemptsMax: v.optional(wholeFrom(1, limits.attemptsMax), limits.attemptsDefault),
  /** Wait before the second attempt; doubles with each further one, with +-25 % jitter. */
  backoffMs: v.optional(wholeUpTo(limits.backoffCapMaxMs), limits.backoffDefaultMs),
  backoffCapMs: v.optional(wholeUpTo(limits.backoffCapMaxMs), limits.backoffCapDefaultMs),
  rules: v.exactOptional(v.pipe(v.array(retryRuleSchema), v.maxLength(limits.retryRulesMax))),
});

/** What follows an end: `retry` spends one of the task's own attempts, `free` does not, `dead_letter` ends the task. */
export type RetryClass = RetryRule['then'];

/** The task's own rule for an attempt that ended badly; undefined where none fits. */
export const ruleFor = (rules: readonly RetryRule[] = [], end: AttemptEnd): RetryRule | undefined =>
  rules.find(
    ({ exitCodes, reasons }) =>
      (end.reason === 'exit' && exitCodes?.includes(end.exitCode ?? -1) === true) ||
      reasons?.some((reason) => reason === end.reason) === true,
  );

/** By the task's rules; where none fits, only what the platform lost is free. */
export const retryClassOf = (rules: readonly RetryRule[] | undefined, end: AttemptEnd): RetryClass =>
  ruleFor(rules, end)?.then ?? (isPlatformLoss(end.reason) ? 'free' : 'retry');

// What the retry settings of a task say of its ends so far, worked out apart from the core.
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';

type Retry = TaskSpec['retry'];
type Rule = NonNullable<Retry['rules']>[number];

function ruleOf({ rules = [] }: Retry, { reason, exitCode = -1 }: AttemptEnd): Rule | undefined {
  for (const rule of rules) {
    if (reason === 'exit' && rule.exitCodes?.some((code) => code === exitCode) === true) return rule;
    if (rule.reasons?.some((one) => one === reason) === true) return rule;
  }
  return undefined;
}
const isLoss = ({ reason }: AttemptEnd): boolean =>
  reason === 'lost' || reason === 'agent_lost' || reason === 'refused';

export interface RetryBooks {
  /** Ends that spent one of the task's own attempts, and those that did not. */
  readonly own: number;
  readonly free: number;
  readonly isLastFree: boolean;
  readonly mayRetry: boolean;
  readonly plainMs: number;
}

export function retryBooks(retry: Retry, ends: readonly AttemptEnd[]): RetryBooks {
  const isFree = (end: AttemptEnd): boolean => {
    const rule = ruleOf(retry, end);
    return rule ? rule.then === 'free' : isLoss(end);
  };
  const free = ends.filter(isFree).length;
  const last = ends.at(-1);
  const rule = last && ruleOf(retry, last);
  const firstMs = rule?.backoffMs ?? retry.backoffMs;
  const capMs = Math.max(retry.backoffCapMs, rule?.backoffMs ?? 0);
  return {
    own: ends.length - free,
    free,
    isLastFree: last !== undefined && isFree(last),
    mayRetry: rule?.then !== 'dead_letter',
    plainMs: Math.min(capMs, firstMs * 2 ** Math.max(0, ends.length - 1)),
  };
}

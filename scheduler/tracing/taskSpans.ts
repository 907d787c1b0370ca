// The spans of an ended task, made of its durable record: so a restart in the middle loses none of them.
import type { AttemptRecord } from '../protocol/attempt.ts';
import { isSuccess } from '../protocol/attempt.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { spanIdOf } from './traceContext.ts';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: 'task' | 'queued' | 'attempt' | 'dispatch' | 'run';
  readonly startMs: number;
  readonly endMs: number;
  readonly isFailed: boolean;
  /** Never what a task does: no arguments, no environment, no output. */
  readonly attributes: Readonly<Record<string, string | number>>;
}

export interface TaskTrace {
  readonly traceId: string;
  /** The caller's, where it brought one. */
  readonly parentSpanId?: string;
}

export const attemptSpanId = (traceId: string, token: number): string => spanIdOf(traceId, 'attempt', token);

/** The task first; nothing for a task that has not ended. */
export function spansOf(record: TaskRecord, { traceId, parentSpanId }: TaskTrace): readonly Span[] {
  const { taskId, spec, state, submittedAtMs, endedAtMs, attempts, group } = record;
  if (endedAtMs === undefined) return [];
  const root = spanIdOf(traceId, 'task', taskId);
  const common = { 'millrace.task_id': taskId, 'millrace.queue': spec.queue };
  const task: Span = {
    traceId,
    spanId: root,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name: 'task',
    startMs: submittedAtMs,
    endMs: endedAtMs,
    isFailed: state !== 'succeeded',
    attributes: {
      ...common,
      'millrace.state': state,
      'millrace.tenant': spec.tenant,
      'millrace.attempts': attempts.length,
      ...(group && { 'millrace.group_id': group.groupId }),
    },
  };
  const queued: Span = {
    traceId,
    spanId: spanIdOf(traceId, 'queued', taskId),
    parentSpanId: root,
    name: 'queued',
    startMs: submittedAtMs,
    endMs: attempts[0]?.placedAtMs ?? endedAtMs,
    isFailed: false,
    attributes: common,
  };
  const tried = attempts.flatMap((attempt) => attemptSpans(attempt, { traceId, root, endedAtMs, common }));
  return [task, queued, ...tried];
}

interface Around {
  readonly traceId: string;
  readonly root: string;
  readonly endedAtMs: number;
  readonly common: Span['attributes'];
}

function attemptSpans(attempt: AttemptRecord, { traceId, root, endedAtMs, common }: Around): readonly Span[] {
  const { token, nodeId, placedAtMs, startedAtMs, end } = attempt;
  const spanId = attemptSpanId(traceId, token);
  const endMs = attempt.endedAtMs ?? endedAtMs;
  const isFailed = end !== undefined && !isSuccess(end);
  const named = { ...common, 'millrace.attempt': attempt.attempt, 'millrace.node': nodeId };
  const whole: Span = {
    traceId,
    spanId,
    parentSpanId: root,
    name: 'attempt',
    startMs: placedAtMs,
    endMs,
    isFailed,
    attributes: {
      ...named,
      ...(end && { 'millrace.reason': end.reason }),
      ...(end?.exitCode !== undefined && { 'millrace.exit_code': end.exitCode }),
    },
  };
  const part = (name: 'dispatch' | 'run', startMs: number, untilMs: number): Span => ({
    traceId,
    spanId: spanIdOf(traceId, name, token),
    parentSpanId: spanId,
    name,
    startMs,
    endMs: untilMs,
    isFailed: name === 'run' && isFailed,
    attributes: named,
  });
  const dispatch = part('dispatch', placedAtMs, startedAtMs ?? endMs);
  return startedAtMs === undefined ? [whole, dispatch] : [whole, dispatch, part('run', startedAtMs, endMs)];
}

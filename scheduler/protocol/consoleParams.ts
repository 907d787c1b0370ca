// What the parameters of several console methods are made of.
import * as v from 'valibot';
import type { Ms, NodeId, QueueName, TaskId, Token } from './brands.ts';
import * as limits from './limits.ts';
import { endStates, liveStates } from './task.ts';
import { nameSchema } from './text.ts';

export const whole = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER));
export const taskIdSchema = v.pipe(
  whole,
  v.transform((n) => n as TaskId),
);
export const tokenSchema = v.pipe(
  whole,
  v.transform((n) => n as Token),
);
export const nodeIdSchema = v.pipe(
  nameSchema,
  v.transform((text) => text as NodeId),
);
export const queueSchema = v.pipe(
  nameSchema,
  v.transform((text) => text as QueueName),
);
export const rowLimitSchema = v.optional(
  v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(limits.pageRowsMax)),
  50,
);
export const timeSchema = v.pipe(
  whole,
  v.transform((n) => n as Ms),
);
export const textSchema = v.pipe(v.string(), v.maxLength(limits.labelValueLengthMax));
export const pathSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(limits.pathLengthMax));
export const someTasksSchema = v.pipe(
  v.array(taskIdSchema),
  v.minLength(1),
  v.maxLength(limits.submitBatchMax),
);

export const taskFilterSchema = v.strictObject({
  states: v.exactOptional(v.array(v.picklist([...liveStates, ...endStates]))),
  queue: v.exactOptional(queueSchema),
  nodeId: v.exactOptional(nodeIdSchema),
  text: v.exactOptional(textSchema),
  tenant: v.exactOptional(nameSchema),
  labels: v.exactOptional(
    v.pipe(
      v.record(nameSchema, textSchema),
      v.check((labels) => Object.keys(labels).length <= limits.filterLabelsMax, 'names too many labels'),
    ),
  ),
  sinceMs: v.exactOptional(timeSchema),
  untilMs: v.exactOptional(timeSchema),
  groupId: v.exactOptional(taskIdSchema),
  missedDeadline: v.exactOptional(v.literal(true)),
});

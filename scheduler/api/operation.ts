// One operation of the door: what it takes, what it answers, and what it does. Routes and document come from these.
import type { GenericSchema } from 'valibot';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { taskId, parseTaskId, type TaskId } from '../protocol/brands.ts';
import type { AnswerName } from './answerSchemas.ts';
import type { DoorRefusal, ProblemCode } from './problem.ts';
import type { Caller } from './programLink.ts';
import type { Query, QueryFields } from './query.ts';

export const apiPrefix = '/api/v1';
export const documentPath = '/openapi.json';

/** A request whose address, token and body have been read. */
export interface Ask {
  /** Decoded parts of the path, by the name in braces. */
  readonly path: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: unknown;
  /** Header `Idempotency-Key`. */
  readonly key: string | undefined;
  /** Header `traceparent`, as it came. */
  readonly traceparent?: string | undefined;
  readonly caller: Caller;
}
/** Where a long answer goes. */
export interface Sink {
  /** Resolves when more can be sent. False: the reader has gone. */
  readonly write: (text: string) => Promise<boolean>;
  /** Resolves after so long, or sooner when woken or when the reader has gone. */
  readonly pause: (pauseMs: number) => Promise<void>;
  readonly wake: () => void;
}
export type Reply =
  | {
      readonly kind: 'json';
      readonly value: unknown;
      /** 200 where absent. */
      readonly status?: 201;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'stream';
      readonly contentType: string;
      /** True: it lasts as long as its task, so it is counted apart from other requests. */
      readonly isFollow: boolean;
      readonly write: (sink: Sink) => Promise<void>;
    };
export type Answer = Outcome<Reply, DoorRefusal>;

export interface Operation {
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`, as OpenAPI writes it: `/tasks/{taskId}`. */
  readonly path: string;
  readonly about: string;
  readonly query?: QueryFields;
  readonly body?: {
    readonly name: string;
    readonly schema: GenericSchema;
    readonly isOptional?: boolean;
    readonly example: unknown;
  };
  readonly takesKey?: boolean;
  readonly answer: { readonly name: AnswerName; readonly status: 200 | 201; readonly example: unknown };
  /** Content types beside JSON. */
  readonly alsoAnswers?: readonly string[];
  /** Refusals beyond those that every operation may give. */
  readonly refuses: readonly ProblemCode[];
  readonly run: (ask: Ask) => Promise<Answer>;
}

export const json = (value: unknown): Answer => accepted({ kind: 'json', value });

/** The answer as it is, or its refusal. */
export const jsonOf = (outcome: Outcome<unknown, Refusal>): Answer =>
  outcome.ok ? json(outcome.value) : refused(outcome.reason);

/** The fields of a body; one that is no object is taken for the field `otherwise`, whose schema then refuses it. */
export const fieldsOf = (body: unknown, otherwise: string): object =>
  typeof body === 'object' && body !== null ? body : { [otherwise]: body };

/** The field of a refusal as the body names it: the console knows the body as its parameter `within`. */
export function ofBody<Value>(
  outcome: Outcome<Value, Refusal>,
  within: 'change' | 'spec' | 'window',
): Outcome<Value, Refusal> {
  if (outcome.ok || outcome.reason.field === undefined) return outcome;
  return refused({
    ...outcome.reason,
    field: outcome.reason.field.replace(new RegExp(`^${within}\\.?`), ''),
  });
}

/** `42` or `T-16`. Refuses `bad_message`. */
export function readTaskId({ path }: Ask): Outcome<TaskId, DoorRefusal> {
  const text = path['taskId'] ?? '';
  const found = /^\d{1,15}$/.test(text) ? taskId(Number(text)) : undefined;
  const id = found ?? (/^t-/i.test(text) ? parseTaskId(text) : undefined);
  if (id !== undefined && id > 0) return accepted(id);
  const message = 'a task id is a whole number from 1, or T- and its base 36 form as the console shows it';
  return refused(refusal('bad_message', message, { field: 'taskId' }));
}

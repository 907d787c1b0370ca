// What modules in a handlers folder import as `millrace`: how a handler is written, and what it is given.
import type * as v from 'valibot';

/** For schemas of inputs: a folder of handlers needs no packages of its own. */
export * as v from 'valibot';

/** Known by this mark and not by its class: a module may bring a copy of its own. */
export const handlerMark = Symbol.for('millrace.handler');

export interface HandlerAttempt {
  /** As consoles and logs write it. */
  readonly taskId: string;
  /** From 1. */
  readonly attempt: number;
  readonly token: number;
  readonly nodeId: string;
  /** Of this attempt alone; made when it is first read, and gone after the end. */
  readonly folder: string;
  /** What the attempt before left by `checkpoint`. */
  readonly before: string | undefined;
  /** Aborted where the attempt is cancelled or out of time. After the grace its process is killed. */
  readonly signal: AbortSignal;
  /** `share`: 0 to 1. Shown in the attempt's log. */
  readonly progress: (share: number, note?: string) => void;
  /** For a next attempt to go on from; the newest counts. At most 16 KiB: names of files and counters, not data. */
  readonly checkpoint: (text: string) => void;
  /** Is this attempt still this node's? To be asked right before an effect that must not happen twice. */
  readonly stillMine: () => Promise<boolean>;
  /** A line in the attempt's log. */
  readonly log: (...words: unknown[]) => void;
}

export interface Handler<Schema extends v.GenericSchema = v.GenericSchema> {
  /** What it takes. An input that does not fit ends the attempt with exit code 2 before `run` is called. */
  readonly input?: Schema;
  /** What it returns must be JSON of at most 16 KiB: it is the attempt's result. What it throws is exit code 1. */
  readonly run: (input: v.InferOutput<Schema>, attempt: HandlerAttempt) => unknown;
}

/** `export default defineHandler({ input: v.object({ ... }), run: async (input, attempt) => ... })`. */
export function defineHandler<const Schema extends v.GenericSchema = v.GenericSchema<unknown, unknown>>(
  handler: Handler<Schema>,
): Handler<Schema> {
  return { ...handler, [handlerMark]: true } as Handler<Schema>;
}

// submitTasks: each spec is checked on its own; the good ones go to the engine as one command.
import type { CommandAnswer, SubmitAnswer } from '../protocol/consoleAnswers.ts';
import { decode } from '../protocol/decode.ts';
import type { Command } from '../protocol/events.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { type TaskSpec, taskSpecSchema } from '../protocol/task.ts';
import { inChunks } from './turns.ts';

type Execute = (command: Command) => Promise<Outcome<CommandAnswer, Refusal>>;
/** Specs checked in one turn: about 5 ms. */
const specsPerTurn = 250;

/** One answer per spec, in order. A refusal of the whole command is the answer of every spec that was good. */
export async function submitTasks(
  specs: readonly unknown[],
  actor: string,
  execute: Execute,
): Promise<readonly SubmitAnswer[]> {
  const read = specReader();
  const decoded = await inChunks(specs, specsPerTurn, (chunk, start) =>
    chunk.map((spec, i) => read(spec, `specs.${start + i}`)),
  );
  const good = decoded.flatMap((outcome) => (outcome.ok ? [outcome.value] : []));
  if (good.length === 0) return decoded.map(answerOfBad);
  const executed = await execute({ kind: 'SubmitTasks', specs: good, actor });
  const taken = executed.ok ? (executed.value.answers ?? []) : [];
  if (executed.ok && taken.length !== good.length) {
    throw new Error(`the engine answered ${taken.length} of ${good.length} submitted tasks`);
  }
  let next = 0;
  return decoded.map((outcome, index): SubmitAnswer => {
    if (!outcome.ok) return answerOfBad(outcome);
    if (!executed.ok) return { ok: false, refusal: executed.reason };
    const answer = taken[next];
    next += 1;
    return answer === undefined ? answerOfBad(outcome) : atSpec(answer, index);
  });
}

/** The engine names a field of the task; the caller sent several. */
function atSpec(answer: SubmitAnswer, index: number): SubmitAnswer {
  if (answer.ok || answer.refusal.field === undefined) return answer;
  return { ok: false, refusal: { ...answer.refusal, field: `specs.${index}.${answer.refusal.field}` } };
}

/** For the specs of one call: many are often the same, and are checked once. As `decodeSpec` in all else. */
function specReader(): typeof decodeSpec {
  const good = new Map<string, Outcome<TaskSpec, Refusal>>();
  return (spec, what) => {
    const json = jsonOf(spec);
    const known = json === undefined ? undefined : good.get(json);
    if (known !== undefined) return known;
    const decoded = decodeJson(spec, json, what);
    if (decoded.ok && json !== undefined) good.set(json, decoded);
    return decoded;
  };
}

/** Refuses `too_large` above `taskBytesMax` of JSON, `bad_message` with the path `specs.N.…` of the field. */
export const decodeSpec = (spec: unknown, what: string): Outcome<TaskSpec, Refusal> =>
  decodeJson(spec, jsonOf(spec), what);

/** `json`: of the same spec; undefined where it has none. */
function decodeJson(spec: unknown, json: string | undefined, what: string): Outcome<TaskSpec, Refusal> {
  if (json === undefined) return refused(refusal('bad_message', `${what} is no JSON value`, { field: what }));
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.taskBytesMax) {
    const reason =
      `${what} has ${bytes} bytes; at most ${limits.taskBytesMax} are taken: ` +
      'put larger input in a file that the task reads';
    return refused(refusal('too_large', reason, { field: what }));
  }
  const decoded = decode(taskSpecSchema, spec, what);
  if (decoded.ok) return accepted(decoded.value);
  const { field } = decoded.reason;
  return refused({
    ...decoded.reason,
    field: field === undefined || field === '' ? what : `${what}.${field}`,
  });
}

/** A MessagePort can carry what JSON cannot: undefined, cycles, big integers. */
export function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

function answerOfBad(outcome: Outcome<TaskSpec, Refusal>): SubmitAnswer {
  if (outcome.ok) throw new Error('a task that is in order was answered as refused');
  return { ok: false, refusal: outcome.reason };
}

// unknown -> typed message, or a refusal naming the bad field. Called once, at the edge; inside, types are believed.
import * as v from 'valibot';
import { accepted, type Outcome, type Refusal, refusal, refused } from './outcome.ts';

/** Longest part of somebody else's text that we repeat in an error. */
const echoLengthMax = 120;

/**
 * Checks `input` against a schema of the contract.
 * Refuses `bad_message` with the path of the first field at fault and what was expected there.
 */
export function decode<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  what: string,
): Outcome<v.InferOutput<Schema>, Refusal> {
  const result = v.safeParse(schema, input, { abortEarly: true });
  if (result.success) return accepted(result.output);
  const [issue] = result.issues;
  const field = pathOf(issue);
  const where = field === '' ? what : `${what}: field ${field}`;
  return refused(refusal('bad_message', `${where}: ${issue.message.slice(0, echoLengthMax)}`, { field }));
}

/** Reads JSON text without throwing. Refuses `too_large` above `bytesMax` characters, `bad_message` on bad syntax. */
export function parseJson(text: string, bytesMax: number, what: string): Outcome<unknown, Refusal> {
  if (text.length > bytesMax)
    return refused(
      refusal('too_large', `${what} has ${String(text.length)} bytes; at most ${String(bytesMax)} are taken`),
    );
  try {
    return accepted(JSON.parse(text) as unknown);
  } catch {
    return refused(refusal('bad_message', `${what} is not valid JSON`));
  }
}

/** `specs.0.ask.cpu`: the way from the message to the field at fault. */
function pathOf(issue: v.BaseIssue<unknown>): string {
  return (v.getDotPath(issue) ?? '').slice(0, echoLengthMax);
}

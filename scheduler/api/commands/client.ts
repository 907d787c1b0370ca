// The command line's end of the door: one request, one answer of the expected shape, or a failure with its exit code.
import * as v from 'valibot';
import { decode } from '../../protocol/decode.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { apiPrefix } from '../operation.ts';
import { CommandFailed, exitCodeOf, exitCodes } from './exitCodes.ts';
import { request } from './request.ts';

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/api/v1`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | readonly string[] | undefined>>;
  /** JSON text. */
  readonly body?: string;
  readonly key?: string;
}

/** Longest that one call is repeated while the hub says that it has no room. */
const patienceMs = 60_000;
const partialProblem = v.partial(answerSchemas.Problem);

export class Client {
  readonly #hub: string;
  readonly #token: string;
  readonly #authority: string | undefined;

  /** `authority`: PEM of the only one that is trusted for `https:`. Absent: those that Node trusts. */
  constructor(hub: string, token: string, authority?: string) {
    this.#hub = hub;
    this.#token = token;
    this.#authority = authority;
  }

  /** Waits and asks again while the hub has no room: then it has not done anything. */
  async ask<Schema extends v.GenericSchema>(schema: Schema, call: Call): Promise<v.InferOutput<Schema>> {
    const untilMs = Date.now() + patienceMs;
    for (;;) {
      try {
        const response = await this.#fetch(call);
        const answer = decode(schema, await response.json(), `answer of ${this.#hub}`);
        if (answer.ok) return answer.value;
        throw new CommandFailed(exitCodes.hubFailed, `${answer.reason.message}: is it another version?`);
      } catch (error) {
        const waitMs = waitOf(error);
        if (waitMs === undefined || Date.now() + waitMs > untilMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
  }

  /** The answer as it comes. */
  async *stream(call: Call): AsyncGenerator<string> {
    const response = await this.#fetch(call);
    const decoder = new TextDecoder();
    try {
      for await (const chunk of response.body ?? [])
        yield decoder.decode(chunk as Uint8Array, { stream: true });
    } catch (error) {
      throw this.#unreachable(error);
    }
  }

  async #fetch({ method, path, query = {}, body, key }: Call): Promise<Response> {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query))
      for (const one of typeof value === 'object' ? value : [value])
        if (one !== undefined) search.append(name, String(one));
    const url = `${this.#hub}${apiPrefix}${path}?${search.toString()}`;
    const headers = {
      authorization: `Bearer ${this.#token}`,
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(key !== undefined && { 'idempotency-key': key }),
    };
    let response: Response;
    try {
      response = await request(url, { method, headers, body, authority: this.#authority });
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (response.ok) return response;
    throw await failureOf(response, this.#hub);
  }

  #unreachable(error: unknown): CommandFailed {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    return new CommandFailed(exitCodes.noHub, `cannot reach the hub at ${this.#hub}: ${why}; is it running?`);
  }
}

async function failureOf(response: Response, hub: string): Promise<CommandFailed> {
  const text = await response.text().catch(() => '');
  const exitCode = exitCodeOf(response.status);
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return new CommandFailed(exitCode, `${hub} answered ${response.status}: is it a Millrace hub?`);
  }
  const problem = decode(partialProblem, found, 'problem');
  if (!problem.ok) return new CommandFailed(exitCode, `${hub} answered ${response.status}`);
  const { detail, field } = problem.value;
  const where = field === undefined || detail?.includes(field) ? '' : ` (${field})`;
  return new CommandFailed(exitCode, `${detail ?? `answered ${response.status}`}${where}`, problem.value);
}

/** How long to wait before the same call; undefined where waiting does not help, or it may have been carried out. */
function waitOf(error: unknown): number | undefined {
  if (!(error instanceof CommandFailed)) return undefined;
  const { code, retryAfterMs } = error.problem ?? {};
  return code === 'too_many' || code === 'queue_full' ? retryAfterMs : undefined;
}

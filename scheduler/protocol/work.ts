// What an attempt does, by kind: a program, a handler of a module, a call over HTTP, a container, or a pretence.
import * as v from 'valibot';
import * as limits from './limits.ts';
import { nameSchema, wholeUpTo } from './text.ts';
import * as workLimits from './workLimits.ts';

const wordSchema = v.pipe(v.string(), v.maxBytes(limits.argvItemBytesMax));
const noNul = (words: string[]): boolean => words.every((word) => !word.includes('\0'));
const argvSchema = v.pipe(
  v.array(wordSchema),
  v.minLength(1, 'must name a program'),
  v.maxLength(limits.argvItemsMax),
  v.check((argv) => (argv[0]?.length ?? 0) > 0, 'the program name is empty'),
  v.check(noNul, 'holds a NUL character'),
);
const envNameSchema = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'is no environment variable name'),
);
const envSchema = v.optional(
  v.pipe(
    v.record(envNameSchema, wordSchema),
    v.check((env) => Object.keys(env).length <= limits.envEntriesMax, 'has too many variables'),
  ),
  {},
);

const commandWorkSchema = v.strictObject({
  kind: v.literal('command'),
  /** Program and arguments. No shell looks at it unless `shell` is true. */
  argv: argvSchema,
  /** True: `argv` has one item, a line for `/bin/sh -c`. */
  shell: v.optional(v.boolean(), false),
  env: envSchema,
  /** Working directory on the node. Absent: a fresh folder that goes with the attempt. */
  cwd: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(4_096))),
});

const simulatedWorkSchema = v.strictObject({
  kind: v.literal('simulated'),
  /** How long a virtual node pretends to work, in milliseconds. */
  runMs: wholeUpTo(limits.timeoutMaxMs),
  exitCode: v.optional(wholeUpTo(255), 0),
});

/** A file name without folders: it is looked for in one folder of the node and nowhere else. */
const handlerNameSchema = v.pipe(
  nameSchema,
  v.regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, 'is the name of a file in the handlers folder, without folders'),
);
const functionWorkSchema = v.strictObject({
  kind: v.literal('function'),
  /** Name of a module in the node's handlers folder, without its ending. */
  handler: handlerNameSchema,
  /** Any JSON value; what the handler takes is for its own schema to say. Absent: null. */
  input: v.optional(
    v.pipe(
      v.unknown(),
      v.check(
        (input) => jsonBytes(input) <= workLimits.handlerInputBytesMax,
        'is larger than a task may carry',
      ),
    ),
    null,
  ),
});

const httpHeaderSchema = v.pipe(
  v.string(),
  v.regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, 'is no name of an HTTP header'),
);
const httpValueSchema = v.pipe(
  v.string(),
  v.maxLength(workLimits.httpHeaderLengthMax),
  v.regex(/^[\t\x20-\x7e]*$/, 'holds characters that a header cannot carry'),
);
const httpWorkSchema = v.strictObject({
  kind: v.literal('http'),
  method: v.optional(v.picklist(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']), 'GET'),
  /** `http:` or `https:`, as the node can reach it; no name and password in it. */
  url: v.pipe(
    v.string(),
    v.maxLength(workLimits.httpUrlLengthMax),
    v.regex(/^https?:\/\/[^\s@/]+(?:[/?#]\S*)?$/i, 'is no address such as http://10.0.0.5:8080/jobs'),
  ),
  headers: v.optional(
    v.pipe(
      v.record(httpHeaderSchema, httpValueSchema),
      v.check((headers) => Object.keys(headers).length <= workLimits.httpHeadersMax, 'has too many headers'),
    ),
    {},
  ),
  body: v.exactOptional(v.pipe(v.string(), v.maxBytes(limits.taskBytesMax))),
  /** Calls after the first within one attempt: where nobody answered, or the answer is 408, 425, 429 or 5xx. */
  retries: v.optional(wholeUpTo(workLimits.httpRetriesMax), workLimits.httpRetriesDefault),
});

const containerWorkSchema = v.strictObject({
  kind: v.literal('container'),
  /** As docker and podman name it: `registry/name:tag` or `name@sha256:...`. */
  image: v.pipe(
    v.string(),
    v.maxLength(workLimits.imageNameLengthMax),
    v.regex(/^[A-Za-z0-9][A-Za-z0-9._/:@-]*$/, 'is no name of a container image'),
  ),
  /** Program and arguments in the container. Empty: what the image starts by itself. */
  argv: v.optional(
    v.pipe(v.array(wordSchema), v.maxLength(limits.argvItemsMax), v.check(noNul, 'holds a NUL character')),
    [],
  ),
  env: envSchema,
});

export const workSchema = v.variant('kind', [
  commandWorkSchema,
  simulatedWorkSchema,
  functionWorkSchema,
  httpWorkSchema,
  containerWorkSchema,
]);
/** What an attempt does, by kind. A node runs only the kinds it offers. */
export type Work = v.InferOutput<typeof workSchema>;
export type CommandWork = v.InferOutput<typeof commandWorkSchema>;
export type SimulatedWork = v.InferOutput<typeof simulatedWorkSchema>;
export type FunctionWork = v.InferOutput<typeof functionWorkSchema>;
export type HttpWork = v.InferOutput<typeof httpWorkSchema>;
export type ContainerWork = v.InferOutput<typeof containerWorkSchema>;
export type Kind = Work['kind'];
/** In this order in stored tables: a new one goes to the end. */
export const workKinds = ['command', 'simulated', 'function', 'http', 'container'] as const satisfies Kind[];

/** Bytes of its JSON; more than any bound where it is no JSON, such as one nested too deep. */
function jsonBytes(value: unknown): number {
  try {
    const text = JSON.stringify(value) as string | undefined;
    return text === undefined
      ? 0
      : text.length * 3 <= workLimits.handlerInputBytesMax
        ? text.length
        : bytesOf(text);
  } catch {
    return Infinity;
  }
}
/** UTF-8 bytes of a text. */
function bytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

/** In one line: the program, the handler, the address or the image. For lists, searches and logs. */
export function workLine(work: Work): string {
  switch (work.kind) {
    case 'command':
      return work.argv.join(' ');
    case 'simulated':
      return 'simulated';
    case 'function':
      return `function ${work.handler}`;
    case 'http':
      return `${work.method} ${work.url}`;
    case 'container':
      return [work.image, ...work.argv].join(' ');
  }
}

/** What tasks without a name are alike by: the program, handler, address or image, without its arguments. */
export function workName(work: Work): string {
  switch (work.kind) {
    case 'command':
      return work.argv[0] ?? '';
    case 'simulated':
      return '';
    case 'function':
      return work.handler;
    case 'http':
      return `${work.method} ${work.url.replace(/[?#].*$/, '')}`;
    case 'container':
      return work.image;
  }
}

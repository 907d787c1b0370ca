// A caller's trace: what its header says goes into the environment of the task, where the task's attempts find it.

const variable = 'TRACEPARENT';
const wellFormed = /^(?!ff)[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * The spec with the header in it. As it is where the header is malformed, the task names its own, it is no command, or
 * it has an idempotency key: the same task sent again, with the trace of a second try, must be the same task.
 */
export function traced(spec: object, traceparent: string | undefined): object {
  if (traceparent === undefined || !wellFormed.test(traceparent) || 'key' in spec) return spec;
  const work = fieldOf(spec, 'work');
  if (work === undefined || fieldOf(spec, 'work', 'kind') !== 'command') return spec;
  const env = fieldOf(spec, 'work', 'env') ?? {};
  if (typeof env !== 'object' || variable in env) return spec;
  return { ...spec, work: { ...(work as object), env: { ...env, [variable]: traceparent } } };
}

/** Each of many. What is no list is left to the decoder. */
export function tracedAll(body: unknown, traceparent: string | undefined): unknown {
  const specs = fieldOf(body, 'specs');
  if (!Array.isArray(specs)) return body;
  const done = specs.map((spec: unknown) =>
    typeof spec === 'object' && spec !== null ? traced(spec, traceparent) : spec,
  );
  return { ...(body as object), specs: done };
}

function fieldOf(value: unknown, ...names: readonly string[]): unknown {
  let at = value;
  for (const name of names) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}

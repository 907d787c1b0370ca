// The OpenAPI 3.1 document, made from the operations and from the very schemas that decode requests.
import { type ConversionConfig, toJsonSchema } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { taskSpecSchema } from '../protocol/task.ts';
import { type AnswerName, answerSchemas } from './answerSchemas.ts';
import { fieldNotes } from './fieldNotes.ts';
import { apiPrefix, documentPath, type Operation } from './operation.ts';
import { type ProblemCode, problems, problemType } from './problem.ts';
import type { QueryField } from './query.ts';
import { operations } from './routes.ts';

type Json = Readonly<Record<string, unknown>>;

/** What any operation may refuse. */
const refusedAnywhere: readonly ProblemCode[] = [
  'bad_message',
  'wrong_token',
  'forbidden',
  'foreign_origin',
  'too_many',
  'failed_inside',
  'storage_failed',
  'stopping',
];
const refusedWithBody: readonly ProblemCode[] = ['too_large', 'wrong_type'];

/** Schemas that are named: where one holds another, it refers to it. */
const named: Readonly<Record<string, v.GenericSchema>> = { TaskSpec: taskSpecSchema, ...answerSchemas };

const conversion: ConversionConfig = {
  typeMode: 'input',
  target: 'draft-2020-12',
  // Checks written as functions have no JSON Schema; the refusal names them.
  errorMode: 'ignore',
  overrideRef: ({ referenceId }) => refTo(referenceId),
};

const tagNames = [
  'tasks',
  'groups',
  'workflows',
  'nodes',
  'queues',
  'tenants',
  'windows',
  'schedules',
  'calendars',
  'licences',
  'storage',
  'health',
];

export function openApiDocument(version: string): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Millrace',
      version,
      summary: 'Submit tasks to the plant, and follow them',
      description:
        'Times are milliseconds since 1970 (UTC), CPU is millicores, memory is MiB. Every error is a problem answer ' +
        '(RFC 9457) whose `code` is stable. The token is `apiToken` in secrets.json in the data folder of the host.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: apiPrefix, description: 'The host that served this document' }],
    security: [{ token: [] }],
    tags: tagNames.map((name) => ({ name })),
    paths: paths(),
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } }, schemas: schemas() },
  };
}

const refTo = (name: string): string => `#/components/schemas/${name}`;

function schemaOf(schema: v.GenericSchema, definitions = named): Json {
  const converted = Object.entries(toJsonSchema(schema, { ...conversion, definitions }));
  // What it names stands under components, once for all.
  return Object.fromEntries(converted.filter(([name]) => name !== '$defs' && name !== '$schema'));
}

function schemas(): Json {
  const bodies = operations.flatMap(({ body }) => (body ? [[body.name, body.schema] as const] : []));
  const all: Readonly<Record<string, v.GenericSchema>> = { ...Object.fromEntries(bodies), ...named };
  return Object.fromEntries(
    Object.entries(all).map(([name, schema]) => [name, withNotes(name, ownSchemaOf(name, schema))]),
  );
}

/** Converted without its own name among the definitions, or it would only refer to itself. */
function ownSchemaOf(name: string, schema: v.GenericSchema): Json {
  const others = Object.fromEntries(
    Object.entries(named).filter(([other, definition]) => other !== name && definition !== schema),
  );
  return schemaOf(schema, others);
}

function withNotes(name: string, schema: Json): Json {
  const notes = fieldNotes[name];
  if (notes === undefined) return schema;
  const properties = schema['properties'] as Readonly<Record<string, Json>>;
  const noted = Object.entries(properties).map(([field, property]) => {
    const note = notes[field];
    return [field, note === undefined ? property : { ...property, description: note }];
  });
  return { ...schema, properties: Object.fromEntries(noted) as Json };
}

function paths(): Json {
  const found: Record<string, Record<string, Json>> = {};
  for (const operation of operations)
    (found[operation.path] ??= {})[operation.method.toLowerCase()] = describe(operation);
  found[documentPath] = { get: describeItself() };
  return found;
}

function describe(operation: Operation): Json {
  const { id, path, about, query = {}, takesKey, body } = operation;
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => pathParameter(name)),
    ...Object.entries(query).map(([name, field]) => queryParameter(name, field)),
    ...(takesKey === true ? [keyParameter] : []),
  ];
  return {
    operationId: id,
    tags: [path.split('/')[1]],
    summary: about.split('. ')[0]?.replace(/\.$/, ''),
    description: about,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        required: body.isOptional !== true,
        content: { 'application/json': { schema: { $ref: refTo(body.name) }, example: body.example } },
      },
    }),
    responses: { [operation.answer.status]: goodAnswer(operation), ...badAnswers(operation) },
  };
}

const pathParameter = (name: string): Json => ({
  name,
  in: 'path',
  required: true,
  ...(name === 'taskId'
    ? {
        description: 'The whole number of a task, or `T-` and its base 36 form',
        schema: { type: 'string', pattern: '^([0-9]{1,15}|[Tt]-[0-9A-Za-z]{1,10})$' },
        example: '42',
      }
    : { schema: { type: 'string', minLength: 1 } }),
});

const queryParameter = (name: string, { kind, schema, about }: QueryField): Json => ({
  name,
  in: 'query',
  description: about,
  schema: schemaOf(schema),
  ...(kind === 'texts' && { style: 'form', explode: true }),
});

const keyParameter: Json = {
  name: 'Idempotency-Key',
  in: 'header',
  description: 'The same key again answers with the first task. Same as the field `key` of the body.',
  schema: { type: 'string', minLength: 1 },
};

function goodAnswer({ answer, alsoAnswers = [] }: Operation): Json {
  const { name, status, example } = answer;
  const others = alsoAnswers.map((type) => [type.split(';')[0], { schema: { type: 'string' } }]);
  return {
    description: describeAnswer(name),
    ...(status === 201 && { headers: { Location: { schema: { type: 'string' } } } }),
    content: {
      'application/json': { schema: { $ref: refTo(name) }, example },
      ...(Object.fromEntries(others) as Json),
    },
  };
}

const describeAnswer = (name: AnswerName): string => name.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();

function badAnswers({ refuses, body }: Operation): Json {
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of new Set([...refusedAnywhere, ...(body ? refusedWithBody : []), ...refuses])) {
    const [status] = problems[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries([...byStatus].map(([status, codes]) => [status, badAnswer(status, codes)]));
}

function badAnswer(status: number, codes: readonly ProblemCode[]): Json {
  const canWait = status === 429 || status === 503;
  return {
    description: codes.map((code) => `\`${code}\`: ${problems[code][1].toLowerCase()}`).join('; '),
    ...(canWait && { headers: { 'Retry-After': { schema: { type: 'integer' }, description: 'Seconds' } } }),
    content: { [problemType]: { schema: { $ref: refTo('Problem') } } },
  };
}

const describeItself = (): Json => ({
  operationId: 'getOpenApi',
  tags: ['health'],
  summary: 'This document',
  security: [],
  responses: {
    200: { description: 'OpenAPI 3.1', content: { 'application/json': { schema: { type: 'object' } } } },
  },
});

// The part of an address after `?`: known names only, each once unless it may repeat, numbers as numbers.
import type { GenericSchema } from 'valibot';
import { accepted, type Outcome, refusal, refused } from '../protocol/outcome.ts';
import type { DoorRefusal } from './problem.ts';

/** `texts`: may be given more than once. `flag`: 1 or true, 0 or false. */
export interface QueryField {
  readonly kind: 'text' | 'texts' | 'number' | 'flag';
  /** What the contract says of the value: for the OpenAPI document. */
  readonly schema: GenericSchema;
  readonly about: string;
}
export type QueryFields = Readonly<Record<string, QueryField>>;
export type Query = Readonly<Record<string, string | number | boolean | readonly string[]>>;

/** Refuses `bad_message` with the name of the parameter. Whether the values fit is for the method to say. */
export function readQuery(search: string, fields: QueryFields): Outcome<Query, DoorRefusal> {
  const query: Record<string, string | number | boolean | readonly string[]> = {};
  const given = new URLSearchParams(search);
  for (const name of new Set(given.keys())) {
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const values = given.getAll(name);
    const value = field && valueOf(field, values);
    if (value === undefined) return refused(badParameter(name, field, Object.keys(fields)));
    query[name] = value;
  }
  return accepted(query);
}

function valueOf({ kind }: QueryField, values: readonly string[]): Query[string] | undefined {
  if (kind === 'texts') return values;
  const [text] = values;
  if (text === undefined || values.length > 1) return undefined;
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      return /^\d{1,16}$/.test(text) ? Number(text) : undefined;
    case 'flag':
      return /^(1|true|0|false)$/.test(text) ? text === '1' || text === 'true' : undefined;
  }
}

function badParameter(name: string, field: QueryField | undefined, known: readonly string[]): DoorRefusal {
  const shown = name.slice(0, 40);
  if (field === undefined)
    return refusal(
      'bad_message',
      `there is no query parameter ${shown}; there are: ${known.join(', ') || 'none'}`,
      { field: shown },
    );
  const wanted = { text: 'a text', texts: 'texts', number: 'a whole number', flag: '0 or 1' }[field.kind];
  return refusal('bad_message', `query parameter ${shown} takes ${wanted}, once`, { field: shown });
}

// How a schema of an answer is tied to the contract's type, and the pieces that such schemas share.
import * as v from 'valibot';

/** The same type without `readonly` and brands' names in the way. */
type Plain<T> = T extends string | number | boolean | undefined
  ? T
  : T extends readonly (infer Item)[]
    ? Plain<Item>[]
    : { -readonly [Key in keyof T]: Plain<T[Key]> };
/** Does not compile where an answer of the contract would not fit the schema. */
export const answerOf =
  <Real>() =>
  <Schema extends v.GenericSchema>(schema: Plain<Real> extends v.InferInput<Schema> ? Schema : never) =>
    schema;

export const count = v.pipe(v.number(), v.integer(), v.minValue(0));
export const amount = v.pipe(v.number(), v.minValue(0));
export const labels = v.record(v.string(), v.string());
export const waiting = v.picklist(['ready', 'backlog', 'blocked', 'backoff', 'held', 'none']);

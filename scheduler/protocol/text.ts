// Small schemas that many messages are made of: names, labels, whole numbers within bounds.
import * as v from 'valibot';
import * as limits from './limits.ts';

export const wholeUpTo = (max: number) => wholeFrom(0, max);
export const wholeFrom = (min: number, max: number) => {
  const said = `must be a whole number from ${String(min)} to ${String(max)}`;
  return v.pipe(v.number(said), v.integer(said), v.minValue(min, said), v.maxValue(max, said));
};

/** Letters, digits and `. _ - /`: safe in file names, shells, logs and screens. */
export const namePattern = /^[A-Za-z0-9][A-Za-z0-9._/-]*$/;
export const nameSchema = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(limits.nameLengthMax),
  v.regex(namePattern, 'must start with a letter or digit and hold only letters, digits and . _ / -'),
);
export const labelValueSchema = v.pipe(v.string(), v.maxLength(limits.labelValueLengthMax));
export const boundedRecord = <Value extends v.GenericSchema>(value: Value, max: number, what: string) =>
  v.pipe(
    v.record(nameSchema, value),
    v.check((entries) => Object.keys(entries).length <= max, `at most ${String(max)} ${what}`),
  );
export const labelsSchema = boundedRecord(labelValueSchema, limits.labelsMax, 'labels');

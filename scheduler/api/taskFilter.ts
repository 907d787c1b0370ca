// The filter of lists and counts as query parameters, and the way back: refusals name the parameter.
import * as v from 'valibot';
import { taskFilterSchema } from '../protocol/consoleParams.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { DoorRefusal } from './problem.ts';
import type { Query, QueryFields } from './query.ts';

const { states, queue, nodeId, text, tenant, sinceMs, untilMs, groupId } = taskFilterSchema.entries;
const labelPattern = /^([^:]+):(.*)$/s;
const labelSchema = v.array(v.pipe(v.string(), v.regex(labelPattern, 'must be NAME:VALUE')));

export const filterQuery: QueryFields = {
  state: { kind: 'texts', schema: states.wrapped, about: 'Any of these states' },
  queue: { kind: 'text', schema: queue.wrapped, about: 'In this queue' },
  tenant: { kind: 'text', schema: tenant.wrapped, about: 'Of this tenant' },
  nodeId: { kind: 'text', schema: nodeId.wrapped, about: 'Placed on this node' },
  label: {
    kind: 'texts',
    schema: labelSchema,
    about: 'With this label, as `name:value`; all of those given',
  },
  text: { kind: 'text', schema: text.wrapped, about: 'Part of the name, the program line or a label' },
  sinceMs: { kind: 'number', schema: sinceMs.wrapped, about: 'Submitted at or after this time' },
  untilMs: { kind: 'number', schema: untilMs.wrapped, about: 'Submitted before this time' },
  groupId: { kind: 'number', schema: groupId.wrapped, about: 'Members of this array, gang or workflow' },
  missedDeadline: {
    kind: 'flag',
    schema: v.boolean(),
    about: 'Ended after their deadline, or live and past it',
  },
};

interface SplitQuery {
  /** For the method to decode. */
  readonly filter: Readonly<Record<string, unknown>>;
  /** The parameters that are not of the filter. */
  readonly others: Query;
}

/** Refuses `bad_message` for labels that are not `name:value`, or of which one is named twice. */
export function splitQuery(query: Query): Outcome<SplitQuery, DoorRefusal> {
  const { state, label, missedDeadline, ...plain } = query;
  const labels = readLabels(Array.isArray(label) ? label : []);
  if (!labels.ok) return labels;
  const isOfFilter = ([name]: readonly [string, unknown]): boolean => Object.hasOwn(filterQuery, name);
  const entries = Object.entries(plain);
  return accepted({
    filter: {
      ...Object.fromEntries(entries.filter(isOfFilter)),
      ...(missedDeadline === true && { missedDeadline }),
      ...(state !== undefined && { states: state }),
      ...(label !== undefined && { labels: labels.value }),
    },
    others: Object.fromEntries(entries.filter((entry) => !isOfFilter(entry))),
  });
}

function readLabels(given: readonly unknown[]): Outcome<Readonly<Record<string, string>>, DoorRefusal> {
  const labels = new Map<string, string>();
  for (const one of given) {
    const [, name, value] = labelPattern.exec(String(one)) ?? [];
    if (name === undefined || value === undefined)
      return refused(badLabel('query parameter label takes name:value, like label=line:BOD-L08'));
    if (labels.has(name)) return refused(badLabel(`query parameter label names ${name.slice(0, 40)} twice`));
    labels.set(name, value);
  }
  return accepted(Object.fromEntries(labels));
}

const badLabel = (message: string): DoorRefusal => refusal('bad_message', message, { field: 'label' });

/** The caller wrote parameters and knows nothing of `filter.states.0`. */
export function asParameter(reason: Refusal): DoorRefusal {
  const field = reason.field
    ?.replace(/^filter\./, '')
    .replace(/^states.*/, 'state')
    .replace(/^labels.*/, 'label');
  return { ...reason, ...(field !== undefined && { field }) };
}

// A workflow: tasks that come after one another. Its shape, and what is wrong with a graph that could never end.
import * as v from 'valibot';
import * as limits from './limits.ts';
import * as bounds from './workflowLimits.ts';
import { type Outcome, type Refusal, accepted, refusal, refused } from './outcome.ts';
import { type TaskSpec, taskSpecSchema } from './task.ts';
import { nameSchema } from './text.ts';

/**
 * When a task may start: all that it comes after have succeeded; one of them has; or all have ended, in whatever way.
 * Where that can no longer come about, it is cancelled.
 */
export const dependencyRules = ['all_success', 'any_success', 'all_ended'] as const;
export type DependencyRule = (typeof dependencyRules)[number];

const workflowOf = <Spec extends v.GenericSchema>(spec: Spec) =>
  v.strictObject({
    /** For people; need not be unique. */
    name: v.optional(v.pipe(v.string(), v.maxLength(limits.nameLengthMax)), ''),
    /** Idempotency key: a second submit with the same key answers with the first workflow. */
    key: v.exactOptional(v.pipe(v.string(), v.minLength(1), v.maxLength(limits.keyLengthMax))),
    tasks: v.pipe(
      v.array(
        v.strictObject({
          /** Its name within the workflow. */
          ref: nameSchema,
          spec,
          after: v.optional(v.pipe(v.array(nameSchema), v.maxLength(bounds.workflowAfterMax)), []),
          when: v.optional(v.picklist(dependencyRules), 'all_success'),
        }),
      ),
      v.minLength(1),
      v.maxLength(bounds.workflowTasksMax),
    ),
  });
export const workflowSchema = workflowOf(taskSpecSchema);
/** With specs that are decoded one by one, so that thousands of them do not hold up the host. */
export const workflowShapeSchema = workflowOf(v.unknown());
export type Workflow = v.InferOutput<typeof workflowSchema>;
export type WorkflowTask = Workflow['tasks'][number];

/** For each task, the places of those that it comes after. */
export type Links = readonly (readonly number[])[];
type Node = Pick<WorkflowTask, 'ref' | 'after'>;

/** Refuses `bad_message` for a ref that is given twice or is not there, and for a cycle, which it names. */
export function linksOf(tasks: readonly Node[]): Outcome<Links, Refusal> {
  const places = new Map<string, number>();
  for (const [at, { ref }] of tasks.entries()) {
    const first = places.get(ref);
    if (first !== undefined) return bad(`tasks.${at}.ref`, `${ref} is the ref of tasks.${first} too`);
    places.set(ref, at);
  }
  const links: number[][] = [];
  let count = 0;
  for (const [at, { after }] of tasks.entries()) {
    const unknown = after.find((ref) => !places.has(ref));
    if (unknown !== undefined)
      return bad(`tasks.${at}.after`, `there is no task ${unknown} in this workflow`);
    links.push([...new Set(after)].map((ref) => places.get(ref) ?? 0));
    count += after.length;
  }
  if (count > bounds.workflowLinksMax)
    return bad('tasks', `${count} entries in after; a workflow has at most ${bounds.workflowLinksMax}`);
  const order = orderOf(links);
  if (order.length === tasks.length) return accepted(links);
  const cycle = cycleIn(links, new Set(order));
  const named = cycle.map((at) => tasks[at]?.ref ?? '').join(' -> ');
  return bad(`tasks.${cycle[0] ?? 0}.after`, `${named}: these wait for each other, so none could ever start`);
}
const bad = (field: string, message: string): Outcome<Links, Refusal> =>
  refused(refusal('bad_message', `${field}: ${message}`, { field }));

/** Places in an order in which each comes after all that it waits for, without those in a cycle or behind one. */
export function orderOf(links: Links): readonly number[] {
  const dependants: number[][] = links.map(() => []);
  const open = links.map((after) => after.length);
  for (const [at, after] of links.entries()) for (const before of after) dependants[before]?.push(at);
  const order = [...links.keys()].filter((at) => open[at] === 0);
  for (let next = 0; next < order.length; next += 1)
    for (const at of dependants[order[next] ?? -1] ?? []) {
      const left = (open[at] ?? 0) - 1;
      open[at] = left;
      if (left === 0) order.push(at);
    }
  return order;
}

/** Some cycle, its first task also last. Every task that is not done has one before it that is not done either. */
function cycleIn(links: Links, done: ReadonlySet<number>): readonly number[] {
  const path: number[] = [];
  let at = [...links.keys()].find((each) => !done.has(each)) ?? 0;
  while (!path.includes(at)) {
    path.push(at);
    at = links[at]?.find((before) => !done.has(before)) ?? at;
  }
  // It was followed against the direction in which tasks run.
  return [...path.slice(path.indexOf(at)), at].reverse();
}

/** Why a spec cannot be that of a member; undefined where it can. */
export function whyNoMember({
  array,
  gang,
  key,
}: TaskSpec): readonly [field: string, why: string] | undefined {
  if (array) return ['array', 'an array cannot be a task of a workflow'];
  if (gang) return ['gang', 'a gang cannot be a task of a workflow'];
  return key === undefined ? undefined : ['key', 'the key belongs to the workflow as a whole'];
}

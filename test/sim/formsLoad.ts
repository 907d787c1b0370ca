// Forms of tasks in the load: some are delayed, a few are arrays, some come after others.
import type { TaskSpec } from '../../scheduler/protocol/task.ts';
import { dependencyRules, type Workflow } from '../../scheduler/protocol/workflow.ts';
import type { World } from './world.ts';

const delayedShare = 0.05;
const arrayShare = 0.01;
const delayMostMs = 60_000;
const countMost = 300;
/** An array's elements are short, or a small plant would be busy with them for hours. */
const elementRunMostMs = 800;

export function withForm(world: World, spec: TaskSpec): TaskSpec {
  const isDelayed = world.chance(delayedShare);
  const timed = isDelayed
    ? { ...spec, notBeforeMs: Math.round(world.wallMs + world.between(0, delayMostMs)) }
    : spec;
  return world.chance(arrayShare) ? asArray(world, timed) : timed;
}

function asArray(world: World, spec: TaskSpec): TaskSpec {
  const count = world.whole(1, world.pick([5, 40, countMost]));
  const runningMax = world.chance(0.4) ? { runningMax: world.whole(1, 12) } : {};
  const runMs = world.whole(10, elementRunMostMs);
  const ask = { ...spec.ask, slots: 1 };
  const work = { kind: 'simulated' as const, runMs, exitCode: 0 };
  return { ...spec, work, ask, timeoutMs: 600_000, array: { count, ...runningMax } };
}

const workflowsMost = 3;
const workflowTasksMost = 12;

/** Random graphs: each task comes after some of those before it. */
export function planWorkflows(world: World, planTask: (at: number) => TaskSpec): readonly Workflow[] {
  return Array.from({ length: world.whole(0, workflowsMost) }, (_, number) => ({
    name: '',
    key: `workflow ${String(number)}`,
    tasks: Array.from({ length: world.whole(1, workflowTasksMost) }, (__, at) => {
      const spec = { ...planTask(at) };
      delete spec.key;
      const before = Array.from({ length: at }, (___, each) => each).filter(() => world.chance(1.5 / at));
      const after = before.map((each) => `t${String(each)}`);
      return { ref: `t${String(at)}`, spec, after, when: world.pick(dependencyRules) };
    }),
  }));
}

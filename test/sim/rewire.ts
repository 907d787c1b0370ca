// Ways to break one rule of a core from outside: wraps a method, or shows a decider something that is not so.
import type { Core } from '../../scheduler/core/cycle.ts';
import { filters } from '../../scheduler/core/place/filters.ts';
import { type Policy, policies } from '../../scheduler/core/place/policy.ts';
import type { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import type { Task } from '../../scheduler/core/state/taskTable.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import type { TaskSpec } from '../../scheduler/protocol/task.ts';

/** Puts another method in the place of one; `make` is given the original, bound. */
export function wrap<Owner extends object, Name extends keyof Owner>(
  owner: Owner,
  name: Name,
  make: (original: Owner[Name]) => Owner[Name],
): void {
  const original = owner[name];
  if (typeof original !== 'function') throw new Error(`${String(name)} is no method`);
  const bound = (...args: unknown[]): unknown => Reflect.apply(original, owner, args);
  Object.defineProperty(owner, name, { value: make(bound as Owner[Name]), configurable: true });
}

export const without = (reason: string | RegExp): Policy => ({
  ...policies.pack,
  filters: filters.filter((filter) => filter.reason.search(reason) < 0),
});

/** The decider of retries sees another spec than the one that was asked for. */
export function seeSpecAs(change: (spec: TaskSpec) => TaskSpec): (core: Core) => void {
  return ({ state: { tasks } }) => {
    wrap(tasks, 'byToken', (byToken) => (wanted) => {
      const task = byToken(wanted);
      const get = (of: Task, name: string | symbol): unknown =>
        name === 'spec' ? change(of.spec) : Reflect.get(of, name);
      return task && new Proxy(task, { get });
    });
  };
}

/** The capacity index sees this value in the column. */
export function hangAs(state: SchedulerState, column: 'cordoned' | 'state', value: number): void {
  wrap(state.index, 'update', (update) => (node) => {
    const real = state.nodes[column][node] ?? 0;
    if (real !== 0) state.nodes[column][node] = value;
    update(node);
    state.nodes[column][node] = real;
  });
}

/** A result of an attempt that is over is taken for the one that runs now. */
export function applyStale({ state }: Core, command: Command): Command {
  if (command.kind !== 'ReportResults') return command;
  for (const result of command.results) {
    const live = state.tasks.get(result.taskId)?.live;
    if (live && live.token !== result.token)
      return { ...command, nodeId: live.nodeId, results: [{ ...result, token: live.token }] };
  }
  return command;
}

/** Only a restart sets the rejoin window. */
export function ignoreStalls({ state }: Core): void {
  let rejoinUntilMs = 0;
  let isResuming = false;
  Object.defineProperty(state, 'rejoinUntilMs', {
    get: () => rejoinUntilMs,
    set: (untilMs: number) => {
      if (isResuming) rejoinUntilMs = untilMs;
    },
  });
  wrap(state, 'resume', (resume) => (nowMs) => {
    isResuming = true;
    resume(nowMs);
    isResuming = false;
  });
}

export function changeBatch(change: (batch: Batch, wallMs: number) => Batch): (core: Core) => void {
  return (core) => {
    wrap(core, 'turn', (turn) => (wallMs, commands) => {
      const result = turn(wallMs, commands);
      return result.batch ? { ...result, batch: change(result.batch, wallMs) } : result;
    });
  };
}

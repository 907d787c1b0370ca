// Random graphs against a plain model: which tasks run, and how each of them ends, follows from the rules alone.
import * as fc from 'fast-check';
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { nodeId } from '../../scheduler/protocol/brands.ts';
import { dependencyRules, linksOf, orderOf, workflowSchema } from '../../scheduler/protocol/workflow.ts';
import { nodeSpec } from '../unit/coreStage.ts';

const tasksMost = 14;
const anyTask = fc.record({
  when: fc.constantFrom(...dependencyRules),
  isGood: fc.boolean(),
  /** Bit i set: after task i, where that comes before it. */
  after: fc.nat({ max: 2 ** tasksMost - 1 }),
});
type Drawn = typeof anyTask extends fc.Arbitrary<infer Task> ? Task : never;

const placesBefore = ({ after }: Drawn, at: number): readonly number[] =>
  [...Array(at).keys()].filter((before) => ((after >> before) & 1) === 1);

/** How each task ends, worked out in order. */
function modelOf(tasks: readonly Drawn[]): readonly string[] {
  const ends: string[] = [];
  for (const [at, task] of tasks.entries()) {
    const good = placesBefore(task, at).map((before) => ends[before] === 'succeeded');
    const runs =
      good.length === 0 ||
      task.when === 'all_ended' ||
      (task.when === 'all_success' ? !good.includes(false) : good.includes(true));
    ends.push(runs ? (task.isGood ? 'succeeded' : 'dead_letter') : 'cancelled');
  }
  return ends;
}

test('every task ends as the rules say, in any order of ends, across a restart', () => {
  const tasks = fc.array(anyTask, { minLength: 1, maxLength: tasksMost });
  fc.assert(
    fc.property(
      tasks,
      fc.array(fc.nat(), { maxLength: 60 }),
      fc.nat({ max: 20 }),
      (drawn, picks, restartAt) => {
        let core = new Core();
        let atMs = 1_000_000;
        const take = (...commands: Parameters<Core['turn']>[1]) => {
          const result = core.turn((atMs += 10), commands);
          expect(brokenInvariants(core.state)).toEqual([]);
          return result;
        };
        const ended = new Map<number, string>();
        const note = ({ effects }: ReturnType<typeof take>): void => {
          for (const effect of effects)
            if (effect.kind === 'task_ended') ended.set(effect.record.taskId, effect.record.state);
        };
        const resources = { cpu: 100_000, memory: 100_000 };
        take({ kind: 'StartEpoch', seed: 1 });
        take({ kind: 'JoinNode', nodeId: nodeId('N'), spec: nodeSpec({ resources }), held: [] });
        const spec = { work: { kind: 'simulated', runMs: 1 }, retry: { attemptsMax: 1 } };
        const members = drawn.map((task, at) => ({
          ...{ ref: `t${String(at)}`, spec, when: task.when },
          after: placesBefore(task, at).map((before) => `t${String(before)}`),
        }));
        const workflow = v.parse(workflowSchema, { tasks: members });
        note(take({ kind: 'SubmitWorkflow', workflow, actor: 'a' }));
        for (let step = 0; core.state.tasks.size > 0; step += 1) {
          const running = [...core.state.tasks.all()].filter(({ live }) => live);
          const task = running[(picks[step] ?? 0) % running.length];
          if (!task?.live) throw new Error('nothing runs, and something waits');
          const exitCode = drawn[task.group?.index ?? -1]?.isGood === true ? 0 : 1;
          const end: AttemptEnd = { reason: 'exit', exitCode };
          const results = [{ token: task.live.token, taskId: task.taskId, end }];
          note(take({ kind: 'ReportResults', nodeId: nodeId('N'), results }));
          if (step !== restartAt) continue;
          core = Core.restored(core.snapshotParts());
          take({ kind: 'StartEpoch', seed: 2 });
          take({ kind: 'JoinNode', nodeId: nodeId('N'), spec: nodeSpec({ resources }), held: heldOf(core) });
        }
        expect(drawn.map((_, at) => ended.get(2 + at))).toEqual(modelOf(drawn));
        expect(core.state.workflows.live).toBe(0);
      },
    ),
    { numRuns: 150 },
  );
});

const heldOf = (core: Core) =>
  [...core.state.tasks.all()].flatMap(({ live }) =>
    live ? [{ token: live.token, state: 'running' as const }] : [],
  );

test('an order is found where there is one, and a cycle is one', () => {
  const anyLinks = fc.array(fc.uniqueArray(fc.nat({ max: 7 }), { maxLength: 3 }), {
    minLength: 8,
    maxLength: 8,
  });
  fc.assert(
    fc.property(anyLinks, (links) => {
      const found = linksOf(
        links.map((after, at) => ({ ref: `t${String(at)}`, after: after.map((to) => `t${String(to)}`) })),
      );
      if (found.ok) {
        const places = new Map(orderOf(found.value).map((at, place) => [at, place]));
        for (const [at, after] of links.entries())
          for (const before of after) expect(places.get(before)).toBeLessThan(places.get(at) ?? -1);
        return;
      }
      const cycle = [...(/: (.*): these wait/.exec(found.reason.message)?.[1] ?? '').matchAll(/t(\d)/g)].map(
        ([, at]) => Number(at),
      );
      expect(cycle.length).toBeGreaterThan(1);
      expect(cycle[0]).toBe(cycle.at(-1));
      // `a -> b`: b comes after a.
      for (const [place, at] of cycle.slice(1).entries()) expect(links[at]).toContain(cycle[place]);
    }),
  );
});

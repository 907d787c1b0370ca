// Random arrays against a plain model: every index ends once, within the bound on what runs, whatever happens between.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { nodeId, taskId } from '../../scheduler/protocol/brands.ts';
import { nodeSpec, taskSpec } from '../unit/coreStage.ts';

const plan = fc.record({
  count: fc.integer({ min: 1, max: 900 }),
  runningMax: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined }),
  /** Every so manyth index fails for good. */
  failsEach: fc.integer({ min: 2, max: 50 }),
  cancelAt: fc.option(fc.nat({ max: 40 }), { nil: undefined }),
  restartAt: fc.nat({ max: 40 }),
});

test('every index ends once, and the record of the array tells how many ended how', () => {
  fc.assert(
    fc.property(plan, ({ count, runningMax, failsEach, cancelAt, restartAt }) => {
      let core = new Core();
      let atMs = 1_000_000;
      const states = new Map<number, string>();
      let reason = '';
      const take = (...commands: Parameters<Core['turn']>[1]): void => {
        const { effects } = core.turn((atMs += 10), commands);
        expect(brokenInvariants(core.state)).toEqual([]);
        for (const effect of effects) {
          if (effect.kind !== 'task_ended') continue;
          const { record } = effect;
          expect(states.has(record.taskId)).toBe(false);
          states.set(record.taskId, record.state);
          if (record.spec.array) reason = record.reason ?? '';
        }
      };
      const join = (): void => {
        const resources = { cpu: 100_000, memory: 100_000, slots: 5_000 };
        const held = [...core.state.tasks.all()].flatMap(({ live }) =>
          live ? [{ token: live.token, state: 'running' as const }] : [],
        );
        take({ kind: 'JoinNode', nodeId: nodeId('N'), spec: nodeSpec({ resources }), held });
      };
      take({ kind: 'StartEpoch', seed: 1 });
      join();
      const array = { count, ...(runningMax !== undefined && { runningMax }) };
      const spec = taskSpec({ array, ask: { cpu: 1, memory: 1 }, retry: { attemptsMax: 1 } });
      take({ kind: 'SubmitTasks', specs: [spec], actor: 'a' });
      for (let step = 0; core.state.arrays.size > 0; step += 1) {
        if (step === cancelAt) take({ kind: 'CancelTask', taskId: taskId(1), actor: 'a', reason: 'x' });
        if (step === restartAt) {
          core = Core.restored(core.snapshotParts());
          take({ kind: 'StartEpoch', seed: 2 });
          join();
        }
        const placed = [...core.state.tasks.all()].filter(({ live }) => live);
        expect(placed.length).toBeLessThanOrEqual(runningMax ?? count);
        const results = placed.flatMap(({ live, taskId: id, state, group }) => {
          const exitCode = (group?.index ?? 0) % failsEach === 0 ? 1 : 0;
          const end: AttemptEnd =
            state === 'cancelling' ? { reason: 'cancelled' } : { reason: 'exit', exitCode };
          return live ? [{ token: live.token, taskId: id, end }] : [];
        });
        take({ kind: 'ReportResults', nodeId: nodeId('N'), results });
      }
      const ends = [...states].filter(([id]) => id !== 1).map(([, state]) => state);
      const told = (what: string): number => Number(new RegExp(`(\\d+) ${what}`).exec(reason)?.[1] ?? 0);
      const of = (state: string): number => ends.filter((each) => each === state).length;
      expect(told('succeeded')).toBe(of('succeeded'));
      expect(told('dead letter')).toBe(of('dead_letter'));
      expect(told('succeeded') + told('dead letter') + told('cancelled')).toBe(count);
      if (states.get(1) === 'cancelled') return;
      expect([...states.keys()].sort((a, b) => a - b)).toEqual(
        [...Array(count + 1).keys()].map((at) => at + 1),
      );
      expect(of('dead_letter')).toBe(Math.ceil(count / failsEach));
    }),
    { numRuns: 60 },
  );
});

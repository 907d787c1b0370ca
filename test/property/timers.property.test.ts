// The heap of deadlines against a sorted list.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Timer, Timers } from '../../scheduler/core/state/timers.ts';

const timer: fc.Arbitrary<Timer> = fc.record({
  dueMs: fc.nat(50),
  kind: fc.constantFrom('node', 'attempt', 'backoff'),
  id: fc.nat(20),
});
const isBefore = (a: Timer, b: Timer): number =>
  a.dueMs - b.dueMs || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.id - b.id);

test('timers come due in order of time, kind and id, and none before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(timer, fc.nat(60)), { maxLength: 200 }), (steps) => {
      const timers = new Timers();
      let model: Timer[] = [];
      for (const step of steps) {
        if (typeof step !== 'number') {
          timers.add(step);
          model.push(step);
        } else {
          model.sort(isBefore);
          const [first, ...rest] = model;
          const isDue = first !== undefined && first.dueMs <= step;
          expect(timers.takeDue(step)).toEqual(isDue ? first : undefined);
          if (isDue) model = rest;
        }
        expect(timers.size).toBe(model.length);
        expect(timers.nextDueMs()).toBe(
          model.length > 0 ? Math.min(...model.map(({ dueMs }) => dueMs)) : undefined,
        );
      }
    }),
  );
});

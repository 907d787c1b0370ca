// Shares that are equal are equal, whatever the plant and the weights: no last bit decides every tie.
import { expect, test } from 'vitest';
import { levelOf } from '../../scheduler/core/queue/contest.ts';

const plants = Array.from({ length: 5_000 }, (_, at) => 1_000 * (at + 9));

test('three times as much by three times the weight is the same, in any plant', () => {
  const apart = plants.filter((all) => 3_000 / all / 3 !== 1_000 / all);
  expect(apart.length).toBeGreaterThan(0);
  for (const all of plants) expect(levelOf(3_000 / all, 3)).toBe(levelOf(1_000 / all, 1));
});

test('a millicore more among 50,000 nodes of 64 cores is more', () => {
  const all = 50_000 * 64_000;
  expect(levelOf(1_600_000_001 / all, 1)).toBeGreaterThan(levelOf(1_600_000_000 / all, 1));
});

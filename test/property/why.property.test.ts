// "Why does it wait?" against an oracle: 500 random plants in which the core tries what the answer says.
import { expect, test } from 'vitest';
import { judge } from '../../bench/why/judge.ts';

test('every verdict and every help comes true when it is tried', () => {
  const { wrong, correct, helpsTried, byVerdict } = judge(500);
  expect(wrong).toEqual([]);
  expect(correct).toBe(500);
  expect(helpsTried).toBeGreaterThan(100);
  for (const verdict of ['now', 'later', 'never']) expect(byVerdict[verdict] ?? 0).toBeGreaterThan(20);
});

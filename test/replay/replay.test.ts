// Journals as released versions wrote them, replayed by the program of today to the digest they gave then.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';

interface Recorded {
  readonly seed: number;
  readonly digest: string;
  readonly batches: readonly string[];
}
const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));

describe.each(files)('%s', (name) => {
  const recorded = JSON.parse(readFileSync(join(folder, name), 'utf8')) as Recorded;
  const batches = recorded.batches.map((text) => JSON.parse(text) as Batch);

  test('replays to the digest it was recorded with, and breaks no invariant on the way', () => {
    const core = new Core();
    for (const batch of batches) {
      core.replay(batch);
      expect(brokenInvariants(core.state)).toEqual([]);
    }
    expect(core.digest()).toBe(recorded.digest);
  });

  test('replays to the same digest through a snapshot at half way', () => {
    const half = Math.floor(batches.length / 2);
    const before = new Core();
    for (const batch of batches.slice(0, half)) before.replay(batch);
    const after = new Core(undefined, before.snapshot());
    for (const batch of batches.slice(half)) after.replay(batch);
    expect(after.digest()).toBe(recorded.digest);
  });

  test('is noticed where a batch is missing', () => {
    const core = new Core();
    const [first, , third] = batches;
    if (!first || !third) throw new Error('the recording is too short');
    core.replay(first);
    expect(() => core.replay(third)).toThrow('one is missing');
  });

  test('is small enough to keep', () => {
    expect(readFileSync(join(folder, name)).length).toBeLessThanOrEqual(200_000);
  });
});

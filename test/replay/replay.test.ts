// Journals as released versions wrote them, read and replayed by the program of today to the digest they give since.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import { decodeGroup } from '../../scheduler/journal/record.ts';
import type { Batch } from '../../scheduler/protocol/events.ts';

interface Recorded {
  readonly seed: number;
  readonly digest: string;
  readonly batches: readonly string[];
}
const folder = import.meta.dirname;
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const textOf = (name: string): string => readFileSync(join(folder, name), 'utf8');

/** `v1.json` holds batches as format 1 of the journal's rows did. */
function batchesOf(name: string, { batches }: Recorded): readonly Batch[] {
  const version = Number(/^v(\d+)\.json$/.exec(name)?.[1]);
  return batches.flatMap((text) => {
    const { sequence, atMs, events } = JSON.parse(text) as Batch;
    const row = `${version} ${sequence} ${sequence}\n${JSON.stringify([[sequence, atMs, events]])}`;
    const group = decodeGroup(row);
    if (!group.ok) throw new Error(group.reason);
    return group.value;
  });
}

describe.each(files)('%s', (name) => {
  const recorded = JSON.parse(textOf(name)) as Recorded;
  const batches = batchesOf(name, recorded);

  test('replays to its digest, and breaks no invariant on the way', () => {
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
    const after = Core.restored(before.snapshotParts());
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
    expect(textOf(name).length).toBeLessThanOrEqual(200_000);
  });
});

test('a snapshot of format 1 is read, and what follows it ends as the replay from the beginning does', () => {
  const recorded = JSON.parse(textOf('v1.json')) as Recorded;
  const core = Core.restored([textOf('v1.snapshot.txt')]);
  for (const batch of batchesOf('v1.json', recorded).slice(core.state.sequence)) core.replay(batch);
  expect(core.digest()).toBe(recorded.digest);
});

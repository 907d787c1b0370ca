// What every journal must do, whatever it stores on: run against any factory of the shape of `openJournal`.
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import type { OpenJournal } from '../../scheduler/journal/journal.ts';
import { batchOf } from './journalBatches.ts';

/** Opens the same disk each time it is called, after the journal before was closed. */
export type JournalFactory = () => Promise<Outcome<OpenJournal, Refusal>>;
/** A new, empty disk. */
export type DiskFactory = () => JournalFactory;

export async function opened(open: JournalFactory): Promise<OpenJournal> {
  const outcome = await open();
  if (!outcome.ok) throw new Error(outcome.reason.message);
  onTestFinished(() => outcome.value.journal.close());
  return outcome.value;
}

export async function allBatches({ recovered }: OpenJournal): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const chunk of recovered.batches) batches.push(...chunk);
  return batches;
}

/** Appends batches `from` to `to` without waiting in between, and waits for all. */
export async function appendAll({ journal }: OpenJournal, from: number, to: number): Promise<void> {
  const writes: Promise<void>[] = [];
  for (let sequence = from; sequence <= to; sequence += 1) writes.push(journal.append(batchOf(sequence)));
  await Promise.all(writes);
}

const range = (from: number, to: number): Batch[] =>
  Array.from({ length: to - from + 1 }, (_, place) => batchOf(from + place));

export function describeJournal(name: string, newDisk: DiskFactory): void {
  describe(`journal on ${name}`, () => {
    test('a new journal is empty', async () => {
      const open = await opened(newDisk());
      expect(open.recovered).toMatchObject({ lastSequence: 0, tornTail: false, notices: [] });
      expect(open.recovered.snapshot).toBeUndefined();
      expect(await allBatches(open)).toEqual([]);
    });

    test('what was appended comes back in order and unchanged', async () => {
      const disk = newDisk();
      const first = await opened(disk);
      await appendAll(first, 1, 300);
      await first.journal.close();
      const second = await opened(disk);
      expect(second.recovered.lastSequence).toBe(300);
      expect(await allBatches(second)).toEqual(range(1, 300));
    });

    test('batches appended during a write share the next one, and resolve in order', async () => {
      const open = await opened(newDisk());
      const order: number[] = [];
      await Promise.all(
        range(1, 100).map(async (batch) => {
          await open.journal.append(batch);
          order.push(batch.sequence);
        }),
      );
      expect(order).toEqual(range(1, 100).map((batch) => batch.sequence));
      expect(open.journal.stats()).toMatchObject({ commits: 2, durableSequence: 100, pending: 0 });
    });

    test('a batch that does not follow the one before is a bug, and is said so', async () => {
      const open = await opened(newDisk());
      expect(() => open.journal.append(batchOf(2))).toThrow('does not follow');
    });

    test('recovery begins at the newest snapshot', async () => {
      const disk = newDisk();
      const first = await opened(disk);
      await appendAll(first, 1, 20);
      await first.journal.snapshot(12, 'state after 12 ✓');
      await first.journal.close();
      const second = await opened(disk);
      expect(second.recovered.snapshot).toEqual({ sequence: 12, payload: 'state after 12 ✓' });
      expect(second.recovered.lastSequence).toBe(20);
      expect(await allBatches(second)).toEqual(range(13, 20));
    });

    test('a snapshot waits for the batches it covers, and appending goes on meanwhile', async () => {
      const open = await opened(newDisk());
      const covered = appendAll(open, 1, 50);
      const taken = open.journal.snapshot(50, 'x'.repeat(3_000_000));
      const later = appendAll(open, 51, 60);
      await taken;
      expect(open.journal.stats().durableSequence).toBeGreaterThanOrEqual(50);
      await Promise.all([covered, later]);
    });

    test('a large snapshot with characters outside the basic plane comes back whole', async () => {
      const disk = newDisk();
      const payload = 'a\u{1f525}'.repeat(900_000);
      const first = await opened(disk);
      await appendAll(first, 1, 2);
      await first.journal.snapshot(2, payload);
      await first.journal.close();
      const second = await opened(disk);
      expect(second.recovered.snapshot?.payload === payload).toBe(true);
      expect(await allBatches(second)).toEqual([]);
    });

    test('a journal goes on where the last life ended, also after a snapshot with nothing behind it', async () => {
      const disk = newDisk();
      const first = await opened(disk);
      await appendAll(first, 1, 5);
      await first.journal.snapshot(5, 'five');
      await first.journal.close();
      const second = await opened(disk);
      await appendAll(second, 6, 9);
      await second.journal.close();
      const third = await opened(disk);
      expect(await allBatches(third)).toEqual(range(6, 9));
    });

    test('close writes what was appended before it', async () => {
      const disk = newDisk();
      const first = await opened(disk);
      const writes = appendAll(first, 1, 40);
      await first.journal.close();
      await writes;
      expect((await opened(disk)).recovered.lastSequence).toBe(40);
    });
  });
}

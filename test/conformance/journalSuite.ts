// What every journal must do, whatever it stores on: run against any factory of the shape of `openJournal`.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { Batch } from '../../scheduler/protocol/events.ts';
import type { Outcome, Refusal } from '../../scheduler/protocol/outcome.ts';
import { type BackupOptions, JournalFailed, type OpenJournal } from '../../scheduler/journal/journal.ts';
import { batchOf } from './journalBatches.ts';

/** Opens the same disk each time it is called, after the journal before was closed. */
export type JournalFactory = () => Promise<Outcome<OpenJournal, Refusal>>;
/** A new, empty disk. */
export type DiskFactory = () => JournalFactory;
/** A disk that holds the copy which `backupTo` made at this path. */
export type CopyFactory = (path: string) => JournalFactory;

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

/** The snapshot as it was given; undefined where there is none. */
export async function snapshotOf({ recovered }: OpenJournal) {
  if (!recovered.snapshot) return undefined;
  const parts: string[] = [];
  for await (const part of recovered.snapshot.parts) parts.push(part);
  const { sequence, bytes } = recovered.snapshot;
  return { sequence, bytes, parts };
}

const manyParts = (count: number, characters: number): string[] =>
  Array.from({ length: count }, (_, part) => String(part % 10).repeat(characters));

const range = (from: number, to: number): Batch[] =>
  Array.from({ length: to - from + 1 }, (_, place) => batchOf(from + place));

export function describeJournal(name: string, newDisk: DiskFactory, diskOfCopy?: CopyFactory): void {
  describe(`journal on ${name}`, () => {
    describeAppending(newDisk);
    describeSnapshots(newDisk);
  });
  if (diskOfCopy)
    describe(`a live copy of a journal on ${name}`, () => {
      describeCopies(newDisk, diskOfCopy);
    });
}

function describeAppending(newDisk: DiskFactory): void {
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

  test('close writes what was appended before it', async () => {
    const disk = newDisk();
    const first = await opened(disk);
    const writes = appendAll(first, 1, 40);
    await first.journal.close();
    await writes;
    expect((await opened(disk)).recovered.lastSequence).toBe(40);
  });
}

function describeSnapshots(newDisk: DiskFactory): void {
  test('recovery begins at the newest snapshot', async () => {
    const disk = newDisk();
    const first = await opened(disk);
    await appendAll(first, 1, 20);
    await first.journal.snapshot(12, ['state after 12 ✓']);
    await first.journal.close();
    const second = await opened(disk);
    expect(await snapshotOf(second)).toEqual({ sequence: 12, bytes: 18, parts: ['state after 12 ✓'] });
    expect(second.recovered.lastSequence).toBe(20);
    expect(await allBatches(second)).toEqual(range(13, 20));
  });

  test('a snapshot waits for the batches it covers, and appending goes on meanwhile', async () => {
    const open = await opened(newDisk());
    const covered = appendAll(open, 1, 50);
    const taken = open.journal.snapshot(50, manyParts(12, 250_000));
    const later = appendAll(open, 51, 60);
    await taken;
    expect(open.journal.stats().durableSequence).toBeGreaterThanOrEqual(50);
    await Promise.all([covered, later]);
  });

  test('parts come back exactly as they were given, the empty one and the large one too', async () => {
    const disk = newDisk();
    const parts = ['{"a":1}', '', 'Prüfstand \u{1f525}', 'a\u{1f525}'.repeat(300_000), '\u0000', ']'];
    const first = await opened(disk);
    await appendAll(first, 1, 2);
    await first.journal.snapshot(2, parts);
    await first.journal.close();
    const second = await opened(disk);
    const found = await snapshotOf(second);
    expect(found?.parts.length).toBe(parts.length);
    expect(found?.parts.every((part, place) => part === parts[place])).toBe(true);
    expect(found?.bytes).toBe(parts.reduce((sum, part) => sum + Buffer.byteLength(part), 0));
    expect(await allBatches(second)).toEqual([]);
  });

  test('a journal goes on where the last life ended, also after a snapshot with nothing behind it', async () => {
    const disk = newDisk();
    const first = await opened(disk);
    await appendAll(first, 1, 5);
    await first.journal.snapshot(5, ['five']);
    await first.journal.close();
    const second = await opened(disk);
    await appendAll(second, 6, 9);
    await second.journal.close();
    const third = await opened(disk);
    expect(await allBatches(third)).toEqual(range(6, 9));
  });

  test('a part is asked for only once the one before is written, and commits go in between', async () => {
    const open = await opened(newDisk());
    await appendAll(open, 1, 3);
    const order: string[] = [];
    let sequence = 3;
    async function* parts(): AsyncGenerator<string> {
      for (let part = 0; part < 5; part += 1) {
        order.push(`part ${part}`);
        // A commit that could not go in between would never resolve here.
        sequence += 1;
        await open.journal.append(batchOf(sequence));
        order.push(`batch ${sequence}`);
        yield `part ${part}`;
      }
    }
    await open.journal.snapshot(3, parts());
    expect(order).toEqual([0, 1, 2, 3, 4].flatMap((part) => [`part ${part}`, `batch ${part + 4}`]));
  });

  test('bytes since the snapshot count from when it was begun', async () => {
    const open = await opened(newDisk());
    await appendAll(open, 1, 50);
    const before = open.journal.stats().bytesSinceSnapshot;
    async function* parts(): AsyncGenerator<string> {
      await appendAll(open, 51, 60);
      yield 'state';
    }
    await open.journal.snapshot(50, parts());
    const { bytesSinceSnapshot, isSnapshotUnderWay } = open.journal.stats();
    expect(bytesSinceSnapshot).toBeGreaterThan(0);
    expect(bytesSinceSnapshot).toBeLessThan(before);
    expect(isSnapshotUnderWay).toBe(false);
  });

  test('a part that cannot be made ends that snapshot alone', async () => {
    const disk = newDisk();
    const first = await opened(disk);
    await appendAll(first, 1, 4);
    await first.journal.snapshot(2, ['two']);
    function* parts(): Generator<string> {
      yield 'three';
      throw new Error('no room for a part');
    }
    await expect(first.journal.snapshot(3, parts())).rejects.toThrow('no room for a part');
    expect(first.journal.stats().isSnapshotUnderWay).toBe(false);
    await appendAll(first, 5, 6);
    await first.journal.snapshot(4, ['four']);
    await first.journal.close();
    const second = await opened(disk);
    expect(await snapshotOf(second)).toEqual({ sequence: 4, bytes: 4, parts: ['four'] });
    expect(second.recovered.notices).toEqual([]);
    expect(await allBatches(second)).toEqual(range(5, 6));
  });
}

function describeCopies(newDisk: DiskFactory, diskOfCopy: CopyFactory): void {
  const options = (more: Partial<BackupOptions> = {}): BackupOptions => ({
    onProgress: () => undefined,
    signal: new AbortController().signal,
    ...more,
  });
  const newPath = (): string => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-copy-'));
    onTestFinished(() => {
      rmSync(folder, { recursive: true, force: true });
    });
    return join(folder, 'journal.db');
  };

  test('has every batch that was durable when it began, though commits and a snapshot go on', async () => {
    const open = await opened(newDisk());
    await appendAll(open, 1, 400);
    await open.journal.snapshot(200, manyParts(20, 250_000));
    const { durableSequence } = open.journal.stats();
    const path = newPath();
    const progress = { isDone: false };
    const seen: number[] = [];
    const made = open.journal
      .backupTo(path, options({ onProgress: (done) => seen.push(done) }))
      .finally(() => (progress.isDone = true));
    let sequence = 400;
    while (!progress.isDone) {
      sequence += 1;
      await open.journal.append(batchOf(sequence));
      if (sequence === 405) await open.journal.snapshot(405, ['later']);
    }
    await made;
    expect(sequence).toBeGreaterThan(405);
    expect(seen).toEqual([...seen].sort((a, b) => a - b));
    const copy = await opened(diskOfCopy(path));
    expect(copy.recovered.lastSequence).toBeGreaterThanOrEqual(durableSequence);
    expect(copy.recovered.notices).toEqual([]);
    const snapshot = await snapshotOf(copy);
    const from = (snapshot?.sequence ?? 0) + 1;
    expect(await allBatches(copy)).toEqual(range(from, copy.recovered.lastSequence));
    // It goes on as a journal of its own.
    await appendAll(copy, copy.recovered.lastSequence + 1, copy.recovered.lastSequence + 5);
  });

  test('is never written over something', async () => {
    const open = await opened(newDisk());
    await appendAll(open, 1, 3);
    const path = newPath();
    writeFileSync(path, 'mine');
    const made = open.journal.backupTo(path, options());
    await expect(made).rejects.toThrow(`${path} exists already`);
    await expect(made).rejects.toBeInstanceOf(JournalFailed);
    await appendAll(open, 4, 5);
  });

  test('leaves nothing where it is cancelled or cannot be made, and the journal goes on', async () => {
    const open = await opened(newDisk());
    await appendAll(open, 1, 50);
    await open.journal.snapshot(50, manyParts(20, 250_000));
    const path = newPath();
    const stop = new AbortController();
    const onProgress = (): void => {
      stop.abort(new Error('asked to stop'));
    };
    const cancelled = open.journal.backupTo(path, options({ onProgress, signal: stop.signal }));
    await expect(cancelled).rejects.toThrow('asked to stop');
    expect(existsSync(path)).toBe(false);
    const nowhere = open.journal.backupTo(join(path, 'none', 'journal.db'), options());
    await expect(nowhere).rejects.toBeInstanceOf(JournalFailed);
    await appendAll(open, 51, 52);
    await open.journal.backupTo(path, options());
    expect((await opened(diskOfCopy(path))).recovered.lastSequence).toBe(52);
  });
}

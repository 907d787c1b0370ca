// The flight recorder beside a journal that prunes, across kills: nothing that was durable is missing in the record.
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { blocksAfter } from '../../scheduler/recorder/reading.ts';
import { openRecordToRead } from '../../scheduler/recorder/recordFile.ts';
import { batchOf } from './journalBatches.ts';
import { diskIn, folderWith, newFolder } from './journalStage.ts';
import { opened } from './journalSuite.ts';
import { KilledJournal } from './killedJournal.ts';
import { recorderOf } from './recorderStage.ts';

/** Opens both, lets the recorder catch up, and closes them. */
async function caughtUp(folder: string) {
  const { port1, port2 } = new MessageChannel();
  const { journal, recovered } = await opened(diskIn(folder, { feed: port1 }));
  const recorder = recorderOf(folder, port2);
  const state = await recorder.state();
  await recorder.close();
  await journal.close();
  return { state, lastSequence: recovered.lastSequence };
}

function recordedIn(folder: string) {
  const database = openRecordToRead(folder);
  if (!database.ok) throw new Error(database.reason.message);
  const batches = [...blocksAfter(database.value, 0, Number.MAX_SAFE_INTEGER)].flatMap(
    (block) => block.batches,
  );
  database.value.close();
  return batches;
}

test(
  'after kill -9 the record has every acknowledged batch, four times over',
  { timeout: 90_000 },
  async () => {
    const folder = newFolder();
    const killed = new KilledJournal(folder, { isRecorded: true });
    for (const more of [30, 400, 1, 700]) {
      await killed.killAfter(more);
      const { state, lastSequence } = await caughtUp(folder);
      expect(state).toMatchObject({ isOn: true, gaps: 0, notices: [] });
      expect(lastSequence).toBeGreaterThanOrEqual(killed.acknowledged);
      const batches = recordedIn(folder);
      expect(batches.length).toBe(lastSequence);
      expect(batches).toEqual(batches.map((_, place) => batchOf(place + 1)));
    }
  },
);

test('rows wait in the journal for the recorder, and go without one', async () => {
  // Without a recorder: 4 of 8 rows are covered by the older snapshot and have gone.
  const folder = await folderWith(8, [4, 6], 4);
  const { state } = await caughtUp(folder);
  // What it can have is there; what had gone before it came is not claimed.
  expect(state).toMatchObject({ gaps: 0 });
  const { port1, port2 } = new MessageChannel();
  const { journal } = await opened(diskIn(folder, { feed: port1 }));
  for (let sequence = 9; sequence <= 12; sequence += 1) await journal.append(batchOf(sequence));
  await journal.snapshot(11, ['{}']);
  await journal.snapshot(12, ['{}']);
  // Between these the journal's thread had turns enough to let rows go.
  for (let sequence = 13; sequence <= 20; sequence += 1) await journal.append(batchOf(sequence));
  expect(journal.stats().rows).toBe(16);
  port2.close();
  await expect.poll(() => journal.stats().rows).toBe(9);
  await journal.close();
});

test('rows that went without the recorder are a gap, which is named', async () => {
  const folder = await folderWith(3);
  await caughtUp(folder);
  // A program without a recorder has the folder meanwhile.
  const { journal } = await opened(diskIn(folder));
  for (let sequence = 4; sequence <= 10; sequence += 1) await journal.append(batchOf(sequence));
  for (const sequence of [6, 9]) await journal.snapshot(sequence, ['{}']);
  await expect.poll(() => journal.stats().rows).toBe(4);
  await journal.close();
  const { state } = await caughtUp(folder);
  expect(state).toMatchObject({ isOn: true, gaps: 1 });
  expect(state.notices.join()).toContain('batches 4 to 6 were not recorded');
});

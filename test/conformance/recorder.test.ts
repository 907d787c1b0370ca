// The flight recorder beside a journal that prunes, across kills: nothing that was durable is missing in the record.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { MessageChannel } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { Recorder } from '../../scheduler/recorder/recorder.ts';
import { blocksAfter } from '../../scheduler/recorder/reading.ts';
import { openRecordToRead } from '../../scheduler/recorder/recordFile.ts';
import { batchOf } from './journalBatches.ts';
import { diskIn, folderWith, newFolder } from './journalStage.ts';
import { opened } from './journalSuite.ts';

const source = (path: string): URL => new URL(`../../scheduler/${path}`, import.meta.url);

/** Opens both, lets the recorder catch up, and closes them. */
async function caughtUp(folder: string) {
  const { port1, port2 } = new MessageChannel();
  const { journal, recovered } = await opened(diskIn(folder, { feed: port1 }));
  const recorder = new Recorder({
    folder,
    bounds: { keepMs: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER },
    recorderThread: source('recorder/recorderThread.ts'),
    pastThread: source('recorder/pastThread.ts'),
    whatIfThread: source('recorder/whatIfThread.ts'),
    snapshotEveryBytes: 1,
    feed: port2,
    log: () => undefined,
  });
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
    let acknowledged = 0;
    for (const killAfter of [30, 400, 1, 700]) {
      const child = spawn(process.execPath, [new URL('recorderChild.ts', import.meta.url).pathname, folder], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const lines = createInterface({ input: child.stdout });
      const stopAt = acknowledged + killAfter;
      lines.on('line', (line) => {
        acknowledged = Number(line);
        if (acknowledged >= stopAt) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const { state, lastSequence } = await caughtUp(folder);
      expect(state).toMatchObject({ isOn: true, gaps: 0, notices: [] });
      expect(lastSequence).toBeGreaterThanOrEqual(acknowledged);
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

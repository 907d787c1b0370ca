// The thread that owns recorder.db: it follows the journal's thread and never holds it up. Started by recorder.ts as a
// worker; where it fails, recording ends and the scheduler goes on.
import { join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { openDatabase } from '../sqlite/open.ts';
import { Follower } from './follower.ts';
import { recorderApplicationId, recorderFile, recorderMigrations } from './schema.ts';
import type { FromRecorder, RecorderStart, ToRecorder } from './threadMessages.ts';

/** The log is cut to this once its content is in the file. */
const logBytesMax = 64 * 1024 * 1024;
/** Between two flushes the log holds about this much, in pages of 4 KiB: one checkpoint, then. */
const checkpointPages = 8_000;

const start = workerData as RecorderStart & { readonly feed: MessagePort };
const path = join(start.folder, recorderFile);
const port = parentPort;
if (!port) throw new Error('recorderThread runs only as a worker of recorder.ts');
const post = (message: FromRecorder): void => {
  port.postMessage(message);
};

const opened = openDatabase({
  path,
  applicationId: recorderApplicationId,
  migrations: recorderMigrations,
  synchronous: 'NORMAL',
  isShrinkable: true,
  logBytesMax,
  checkpointPages,
  ...(start.pagesMax !== undefined && { pagesMax: start.pagesMax }),
});
if (opened.ok) void serve(opened.value);
else {
  post({ kind: 'failed', message: opened.reason.message });
  start.feed.close();
  port.close();
}

async function serve(database: Database): Promise<void> {
  const onNotice = (message: string): void => {
    post({ kind: 'notice', message });
  };
  const follower = new Follower(
    {
      database,
      port: start.feed,
      clock: () => Date.now(),
      snapshotEveryBytes: start.snapshotEveryBytes,
      onNotice,
    },
    start.bounds,
  );
  port?.on('message', (message: ToRecorder) => {
    void take(message, follower).catch(failed);
  });
  try {
    await follower.run();
  } catch (error) {
    failed(error);
  }
  follower.stop();
  start.feed.close();
  if (database.isOpen) database.close();
  port?.close();
}

function failed(error: unknown): void {
  post({ kind: 'failed', message: faultOf(error, path).message });
}

async function take(message: ToRecorder, follower: Follower): Promise<void> {
  switch (message.kind) {
    case 'bounds':
      follower.bounds = message.bounds;
      return;
    case 'reach':
      await follower.caughtUp();
      post({ kind: 'reach', reach: follower.recording.reach() });
      return;
    case 'close':
      follower.stop();
  }
}

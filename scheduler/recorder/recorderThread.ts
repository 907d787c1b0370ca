// The thread that owns recorder.db: it follows the journal's thread and never holds it up. Started by recorder.ts as a
// worker; where it fails, recording ends and the scheduler goes on.
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { Database } from '../sqlite/driver.ts';
import { faultOf } from '../sqlite/fault.ts';
import { Follower } from './follower.ts';
import { openRecordToWrite, recordPath } from './recordFile.ts';
import type { FromRecorder, RecorderStart, ToRecorder } from './threadMessages.ts';

/** The log is cut to this once its content is in the file. */
const logBytesMax = 64 * 1024 * 1024;
/** Between two flushes the log holds about this much, in pages of 4 KiB: one checkpoint, then. */
const checkpointPages = 8_000;
/** A full disk gets room again when somebody makes some; until then it is tried this often. */
const retryMs = 30_000;

const start = workerData as RecorderStart & { readonly feed: MessagePort };
const path = recordPath(start.folder);
const port = parentPort;
if (!port) throw new Error('recorderThread runs only as a worker of recorder.ts');
const post = (message: FromRecorder): void => {
  port.postMessage(message);
};

const opened = openRecordToWrite(start.folder, { logBytesMax, checkpointPages, pagesMax: start.pagesMax });
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
  while (await isStoppedByFullDisk(follower)) await follower.rest(retryMs);
  follower.stop();
  start.feed.close();
  if (database.isOpen) database.close();
  port?.close();
}

/** Records until it is stopped or fails. True: the disk is full, and that may end. */
async function isStoppedByFullDisk(follower: Follower): Promise<boolean> {
  try {
    await follower.run(() => {
      post({ kind: 'recording' });
    });
    return false;
  } catch (error) {
    failed(error);
    return !follower.isStopped && faultOf(error, path).cause === 'disk_full';
  }
}

function failed(error: unknown): void {
  post({ kind: 'failed', message: faultOf(error, path).message });
}

async function take(message: ToRecorder, follower: Follower): Promise<void> {
  switch (message.kind) {
    case 'bounds':
      follower.setBounds(message.bounds);
      return;
    case 'reach':
      await follower.caughtUp();
      post({ kind: 'reach', reach: follower.recording.reach() });
      return;
    case 'close':
      follower.stop();
  }
}

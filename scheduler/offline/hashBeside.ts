// The hash of a file without a pause of this thread: gigabytes would take seconds of it.
import { stat } from 'node:fs/promises';
import { Worker } from 'node:worker_threads';
import { hashFile, type Hashed } from './backupManifest.ts';
import { hashThread } from './threadFiles.ts';

/** Below this, hashing takes 1 ms and less than the start of a thread. */
const threadFromBytes = 1024 * 1024;

/** Rejects where the file cannot be read, and when the signal aborts. */
export async function hashBeside(
  path: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Hashed> {
  const { size } = await stat(path);
  signal.throwIfAborted();
  return size < threadFromBytes ? hashFile(path, onBytes) : hashOnThread(path, onBytes, signal);
}

function hashOnThread(path: string, onBytes: (bytes: number) => void, signal: AbortSignal): Promise<Hashed> {
  const worker = new Worker(hashThread, { workerData: path });
  const end = (): void => {
    void worker.terminate();
  };
  signal.addEventListener('abort', end);
  return new Promise<Hashed>((resolve, reject) => {
    worker.on('message', (told: Hashed | { readonly bytes: number }) => {
      onBytes(told.bytes);
      if ('sha256' in told) resolve(told);
    });
    worker.once('error', reject);
    worker.once('exit', () => {
      // Does nothing where it has told all.
      reject(new Error(`${path} was not read to its end: it was cancelled`));
    });
  }).finally(() => {
    signal.removeEventListener('abort', end);
  });
}

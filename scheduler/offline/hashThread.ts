// Hashes one file on a thread of its own, beside a host at work. Started by hashBeside.ts; tells bytes, then the hash.
import { parentPort, workerData } from 'node:worker_threads';
import { hashFile } from './backupManifest.ts';

/** Between two messages about how far it is. */
const tellEveryBytes = 64 * 1024 * 1024;

const port = parentPort;
if (!port) throw new Error('hashThread runs only as a worker of hashBeside.ts');
let toldBytes = 0;
const tell = (bytes: number): void => {
  if (bytes - toldBytes < tellEveryBytes) return;
  toldBytes = bytes;
  port.postMessage({ bytes });
};
hashFile(workerData as string, tell).then(
  (hashed) => {
    port.postMessage(hashed);
  },
  (error: unknown) => {
    throw error; // told to the starter as the worker's error
  },
);

// A recorder that keeps all and takes every snapshot.
import type { MessagePort } from 'node:worker_threads';
import { Recorder } from '../../scheduler/recorder/recorder.ts';

const source = (path: string): URL => new URL(`../../scheduler/recorder/${path}`, import.meta.url);

export const recorderOf = (
  folder: string,
  feed: MessagePort,
  onTrouble: (message: string) => void = () => undefined,
): Recorder =>
  new Recorder({
    folder,
    bounds: { keepMs: Number.MAX_SAFE_INTEGER, bytesMax: Number.MAX_SAFE_INTEGER },
    recorderThread: source('recorderThread.ts'),
    pastThread: source('pastThread.ts'),
    whatIfThread: source('whatIfThread.ts'),
    snapshotEveryBytes: 1,
    feed,
    log: (_level, message, details) => {
      onTrouble(`${message} ${JSON.stringify(details)}`);
    },
  });

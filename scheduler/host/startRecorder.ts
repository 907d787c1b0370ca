// The flight recorder, started with the bounds that were set for it.
import { type MessagePort } from 'node:worker_threads';
import { recorderBytesDefault, recorderHoursDefault } from '../protocol/limits.ts';
import type { Retention } from '../protocol/storage.ts';
import { Recorder } from '../recorder/recorder.ts';
import type { Bounds } from '../recorder/recording.ts';
import type { HostParts } from './hostParts.ts';

const hourMs = 3_600_000;

interface RecorderWires extends Pick<HostParts, 'config' | 'files' | 'events' | 'settings'> {
  readonly feed: MessagePort;
}

export function startRecorder({ config, files, events, settings, feed }: RecorderWires): Recorder {
  return new Recorder({
    folder: config.dataFolder,
    recorderThread: files.recorderThread,
    pastThread: files.pastThread,
    whatIfThread: files.whatIfThread,
    bounds: recorderBounds(settings.retention),
    feed,
    log: (level, message, details) => {
      events.log(level, message, { ...details });
    },
  });
}

export const recorderBounds = ({ recorderHoursMax, recorderBytesMax }: Retention): Bounds => ({
  keepMs: (recorderHoursMax ?? recorderHoursDefault) * hourMs,
  bytesMax: recorderBytesMax ?? recorderBytesDefault,
});

// Where a long answer goes: no more is read for a client than it takes.
import type { ServerResponse } from 'node:http';
import { apiUnsentBytesMax } from '../protocol/programLimits.ts';
import type { Sink } from './operation.ts';

export function openSink(response: ServerResponse): Sink {
  let wake = (): void => undefined;
  let isWoken = false;
  response.once('close', () => {
    wake();
  });
  const isGone = (): boolean => response.destroyed || response.writableEnded;
  return {
    write: async (text) => {
      if (isGone()) return false;
      response.write(text);
      while (!isGone() && response.writableLength > apiUnsentBytesMax) await drained(response);
      return !isGone();
    },
    pause: (pauseMs) =>
      new Promise((resolve) => {
        if (isWoken || isGone()) {
          isWoken = false;
          resolve();
          return;
        }
        const end = (): void => {
          clearTimeout(timer);
          isWoken = false;
          wake = () => undefined;
          resolve();
        };
        const timer = setTimeout(end, pauseMs);
        wake = end;
      }),
    wake: () => {
      isWoken = true;
      wake();
    },
  };
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      response.off('drain', end);
      response.off('close', end);
      resolve();
    };
    response.on('drain', end);
    response.on('close', end);
  });
}

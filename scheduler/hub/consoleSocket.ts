// A console over Socket.IO, as the ConsoleLink that the rest of the host talks to.
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { FromHost } from '../protocol/consoleWire.ts';
import * as limits from '../protocol/limits.ts';
import type { HubLog } from './ports.ts';
import type { ConsoleSocket, HubCounters } from './wireSockets.ts';

/** Replies are never skipped, so a console that reads none of them is let go at this many. */
const queuedRepliesMax = limits.consoleQueuedFramesMax * 16;

export function linkOf(socket: ConsoleSocket, counters: HubCounters, log: HubLog): ConsoleLink {
  const actor = `console@${socket.handshake.address}`;
  let queued = 0;
  // `flush`: what was queued went to the WebSocket, which happens only when it has written what it had before.
  socket.conn.on('flush', () => {
    queued = 0;
  });
  const close = (reason: string): void => {
    if (!socket.connected) return;
    log('info', 'console connection closed', { actor, reason });
    socket.disconnect(true);
  };
  const send = (message: FromHost): boolean => {
    if (!socket.connected) return false;
    if ('push' in message && queued >= limits.consoleQueuedFramesMax) return false;
    if (queued >= queuedRepliesMax) {
      close('it reads no replies');
      return false;
    }
    queued += 1;
    counters.messagesOut += 1;
    socket.emit('m', message);
    return true;
  };
  return {
    actor,
    send,
    close,
    onMessage: (listener) => {
      socket.on('m', (message: unknown) => {
        counters.messagesIn += 1;
        listener(message);
      });
    },
    onClose: (listener) => {
      socket.once('disconnect', () => {
        listener();
      });
    },
  };
}

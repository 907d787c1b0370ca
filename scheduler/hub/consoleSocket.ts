// A console over Socket.IO, as the ConsoleLink that the rest of the host talks to.
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { FromHost } from '../protocol/consoleWire.ts';
import * as limits from '../protocol/limits.ts';
import type { HubLog } from './ports.ts';
import type { ConsoleSocket, HubCounters } from './wireSockets.ts';

/** Replies are never skipped, so a console that reads none of them is let go at this many. */
const queuedRepliesMax = limits.consoleQueuedFramesMax * 16;

/** Of frames that show how things stand, each newer one makes the older ones useless: two rounds of four may wait. */
const queuedStatesMax = 8;

export function linkOf(socket: ConsoleSocket, counters: HubCounters, log: HubLog): ConsoleLink {
  const { address } = socket.handshake;
  const { session } = socket.data;
  if (!session) throw new Error('a console was linked that nobody let in');
  let queued = 0;
  let queuedStates = 0;
  // `flush`: what was queued went to the WebSocket, which happens only when it has written what it had before.
  socket.conn.on('flush', () => {
    queued = 0;
    queuedStates = 0;
  });
  const close = (reason: string): void => {
    if (!socket.connected) return;
    log('info', 'console connection closed', { address, reason });
    socket.disconnect(true);
  };
  const send = (message: FromHost): boolean => {
    if (!socket.connected) return false;
    const isState = 'push' in message && message.push !== 'log';
    if ('push' in message && queued >= limits.consoleQueuedFramesMax) return false;
    if (isState && queuedStates >= queuedStatesMax) return false;
    if (queued >= queuedRepliesMax) {
      close('it reads no replies');
      return false;
    }
    queued += 1;
    if (isState) queuedStates += 1;
    counters.messagesOut += 1;
    socket.emit('m', message);
    return true;
  };
  return {
    get session() {
      return session();
    },
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

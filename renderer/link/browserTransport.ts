// The bridge's way in a browser: Socket.IO to the hub that served this page. Reconnects by itself.
import { io, type Socket } from 'socket.io-client';
import { consoleNamespace, type Request } from '../../scheduler/protocol/consoleWire.ts';
import { consoleWireVersion } from '../../scheduler/protocol/limits.ts';
import { readRecovery, watchRecovery } from './health.ts';
import { isFromHost, type Transport, type TransportEvents } from './transport.ts';

export function browserTransport(): Transport {
  let socket: Socket | undefined;
  return {
    start(events) {
      socket = io(consoleNamespace, {
        auth: { wire: consoleWireVersion },
        transports: ['websocket'],
        reconnectionDelay: 500,
        reconnectionDelayMax: 3_000,
      });
      listen(socket, events);
    },
    send(request: Request) {
      socket?.emit('m', request);
    },
  };
}

function listen(socket: Socket, events: TransportEvents): void {
  const health = watchRecovery(events.hostChanged, () => {
    if (!socket.connected) socket.connect();
  });
  socket.on('connect', () => {
    health.stop();
    events.opened();
  });
  socket.on('disconnect', (reason) => {
    events.closed('closed', reason);
    health.start();
    // Socket.IO does not come back by itself when the server hung up.
    if (reason === 'io server disconnect') setTimeout(() => socket.connect(), 1_000);
  });
  socket.on('connect_error', (error) => {
    void refusedOrAway(socket.active).then((reason) => {
      if (socket.connected) return;
      events.closed(reason, error.message);
      if (reason === 'refused') health.stop();
      else health.start();
    });
  });
  socket.on('m', (message: unknown) => {
    if (isFromHost(message)) events.received(message);
  });
}

/**
 * A socket that is not `active` was told no (token, version): asking again the same way would not help. A host that
 * recovers says no to everybody, which passes.
 */
async function refusedOrAway(isActive: boolean): Promise<'refused' | 'unreachable'> {
  if (isActive) return 'unreachable';
  return (await readRecovery()) ? 'unreachable' : 'refused';
}

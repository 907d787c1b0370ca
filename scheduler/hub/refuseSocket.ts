// Turns a connection away so that the other side learns why: `connect_error` with the Refusal in `err.data`.
import type { Refusal } from '../protocol/outcome.ts';

interface Refusable {
  readonly conn: { readonly close: () => unknown };
}

/** What Socket.IO sends to the client as `connect_error`. */
class ConnectRefused extends Error {
  readonly data: Refusal;
  constructor(reason: Refusal) {
    super(reason.message);
    this.data = reason;
  }
}

export function refuseSocket(socket: Refusable, next: (error: Error) => void, reason: Refusal): void {
  next(withoutStack(() => new ConnectRefused(reason)));
  closeSoon(socket);
}

/** After Socket.IO has sent the refusal, which it does on the next tick. A client that stays would cost a socket. */
export function closeSoon(socket: Refusable): void {
  setImmediate(() => {
    socket.conn.close();
  });
}

/** Nobody reads where it was made, and a storm makes thousands a second. */
function withoutStack<Made>(make: () => Made): Made {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

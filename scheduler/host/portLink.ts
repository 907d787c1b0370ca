// A window's MessagePort as a console link. The port copies messages and never refuses: windows acknowledge nothing,
// so a slow window is noticed by the feed's own pace, not here.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';

/** What Electron's MessagePortMain offers, as far as we use it: the host imports nothing of Electron. */
export interface PortLike {
  postMessage(message: unknown): void;
  on(event: 'message', listener: (event: { readonly data: unknown }) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
  start(): void;
  close(): void;
}

/** `session`: who comes through this port as long as nobody has logged in there. */
export function linkOfPort(port: PortLike, session: () => ConsoleSession): ConsoleLink {
  let isOpen = true;
  const closeListeners: (() => void)[] = [];
  port.on('close', () => {
    if (!isOpen) return;
    isOpen = false;
    for (const listener of closeListeners) listener();
  });
  return {
    get session() {
      return session();
    },
    send: (message) => {
      if (isOpen) port.postMessage(message);
      return isOpen;
    },
    onMessage: (listener) => {
      port.on('message', ({ data }) => {
        listener(data);
      });
      port.start();
    },
    onClose: (listener) => {
      if (isOpen) closeListeners.push(listener);
      else listener();
    },
    close: () => {
      port.close(); // the close event follows
    },
  };
}

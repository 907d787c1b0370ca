// One console's connection, whatever carries it: a MessagePort of Electron or a socket of the hub.
import type { ConsoleSession } from './accounts.ts';
import type { FromHost } from './consoleWire.ts';

export interface ConsoleLink {
  /** Who asks, made by the host from the way the link came. A login over the link takes its place. */
  readonly session: ConsoleSession;
  /**
   * Sends one message. False: the link is slow or closed, and a pushed frame was not sent. A reply is always sent while
   * the link is open; a link that cannot keep up even with its replies closes itself.
   */
  readonly send: (message: FromHost) => boolean;
  readonly onMessage: (listener: (raw: unknown) => void) => void;
  /** Called once, also after `close`. */
  readonly onClose: (listener: () => void) => void;
  readonly close: (reason: string) => void;
}

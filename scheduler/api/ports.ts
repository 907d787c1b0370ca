// What the door for programs needs from the rest of the host.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { ConsoleLink } from '../protocol/consoleLink.ts';
import type { DoorRefusal } from './problem.ts';

export interface ApiPorts {
  /** The console takes this link as it takes a window's: programs go the same way as operators. */
  readonly attach: (link: ConsoleLink) => void;
  /** Who the program is that sends this token; asked anew for each call. Undefined: no such token. */
  readonly sessionOf: (token: string, source: string) => (() => ConsoleSession) | undefined;
  /** Somebody gave a token that is not ours. */
  readonly onWrongToken: (address: string, reason: DoorRefusal) => void;
  readonly version: string;
  /** Something threw that never should have; the caller was told that the host failed inside. */
  readonly onBug: (error: unknown, where: string) => void;
  readonly log: (
    level: 'info' | 'warn',
    message: string,
    fields: Readonly<Record<string, string | number | boolean>>,
  ) => void;
}

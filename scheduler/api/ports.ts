// What the door for programs needs from the rest of the host.
import type { ConsoleLink } from '../protocol/consoleLink.ts';

export interface ApiPorts {
  /** The console takes this link as it takes a window's: programs go the same way as operators. */
  readonly attach: (link: ConsoleLink) => void;
  /** Compares in constant time. */
  readonly tokenMatches: (token: string) => boolean;
  readonly version: string;
  /** Something threw that never should have; the caller was told that the host failed inside. */
  readonly onBug: (error: unknown, where: string) => void;
  readonly log: (
    level: 'info' | 'warn',
    message: string,
    fields: Readonly<Record<string, string | number | boolean>>,
  ) => void;
}

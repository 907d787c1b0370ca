// Exit codes of the guard, as in sysexits.h.

export const exits = {
  /** Go on: it is this attempt's, or the effect took place. */
  mine: 0,
  usage: 64,
  badFile: 65,
  /** Neither hub nor agent can say, and the lease may have run out. */
  unknown: 69,
  /** No room for another record. */
  full: 73,
  /** The disk refused; or a command was begun and nobody knows how it ended. */
  ioError: 74,
  /** The attempt is no longer this node's: end without the effect. */
  notMine: 75,
  notNow: 75,
} as const;

export interface Answer {
  readonly code: number;
  /** One line for people. */
  readonly said: string;
}

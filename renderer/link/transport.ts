// What the bridge needs of a way to the host, whichever way it is.
import type { FromHost, Request } from '../../scheduler/protocol/consoleWire.ts';
import type { HostState } from '../../scheduler/protocol/hostLink.ts';

/** Why there is no link: `refused` needs a person, the others mend by themselves. */
export type DownReason = 'closed' | 'unreachable' | 'refused';

export interface TransportEvents {
  readonly opened: () => void;
  readonly closed: (reason: DownReason, detail: string) => void;
  readonly received: (message: FromHost) => void;
  /** Undefined: nothing is known of it beside the link. */
  readonly hostChanged: (state: HostState | undefined) => void;
}
export interface Transport {
  readonly start: (events: TransportEvents) => void;
  readonly send: (request: Request) => void;
}

/** Replies have an id, pushes a name; anything else is not ours. The host itself is trusted for the details. */
export function isFromHost(message: unknown): message is FromHost {
  if (typeof message !== 'object' || message === null) return false;
  return 'push' in message || ('id' in message && 'ok' in message);
}

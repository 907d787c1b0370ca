// Messages of a joined agent that the host answers, one by one: output to store, whose attempts are, another key.
import { checkSchema, type HubToAgent, logSchema, rotateSchema } from '../protocol/agentWire.ts';
import { decode } from '../protocol/decode.ts';
import { accepted, type Outcome, type Refusal } from '../protocol/outcome.ts';
import type { Claim } from './nodeProofs.ts';
import type { SessionContext } from './sessionContext.ts';

/** The session that asks. */
export interface Asking {
  readonly identity: Claim;
  readonly context: SessionContext;
  readonly send: <Event extends keyof HubToAgent>(
    event: Event,
    ...message: Parameters<HubToAgent[Event]>
  ) => void;
  readonly close: (reason: string) => void;
}
type Taken = Outcome<void, Refusal>;
const taken: Taken = accepted(undefined);

export function readLog({ identity, context, send, close }: Asking, payload: unknown): Taken {
  const chunk = decode(logSchema, payload, 'log');
  if (!chunk.ok) return chunk;
  const { token, stream } = chunk.value;
  void context.handlers.log(identity.auth.nodeId, chunk.value).then(
    (offset) => {
      if (offset !== undefined) send('logAck', { token, stream, offset });
    },
    (error: unknown) => {
      // The store has failed and ends the host; without an acknowledgement the agent sends it again to the next one.
      close(`its output was not stored: ${error instanceof Error ? error.message : String(error)}`);
    },
  );
  return taken;
}

/** Answered in order: the agent's own order of heartbeat and check tells it how old the answer can be. */
export function readCheck({ identity, context, send }: Asking, payload: unknown): Taken {
  const read = decode(checkSchema, payload, 'check');
  if (!read.ok) return read;
  const asked = read.value;
  const mine = context.handlers.check(identity.auth.nodeId, asked);
  if (mine instanceof Promise)
    void mine.then((found) => {
      send('checked', { asked, mine: found });
    });
  else send('checked', { asked, mine });
  return taken;
}

export function readRotate({ identity, context, send }: Asking, payload: unknown): Taken {
  const read = decode(rotateSchema, payload, 'rotate');
  if (!read.ok) return read;
  void context.proofs.ofRotate(identity, read.value).then((rotated) => {
    if (rotated.ok) send('rotated', { publicKey: rotated.value });
    else send('refused', rotated.reason);
  });
  return taken;
}

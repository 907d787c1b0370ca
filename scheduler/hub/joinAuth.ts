// Who may connect: version, known node or enrolment token, console token. That it is the node, its join has to prove.
import * as v from 'valibot';
import { type AgentAuth, agentAuthSchema } from '../protocol/agentWire.ts';
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { NodeId } from '../protocol/brands.ts';
import { consoleAuthSchema } from '../protocol/consoleWire.ts';
import { decode } from '../protocol/decode.ts';
import { revokedKey } from '../protocol/identity.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { Admission } from './admission.ts';
import { wrongKey } from './nodeProofs.ts';
import { MinuteLimit } from './minuteLimit.ts';
import type { HubHandlers, HubOptions } from './ports.ts';
import { hashSecret } from './secrets.ts';

type Refused = 'agent_refused' | 'console_refused';
const wireSchema = v.looseObject({ wire: v.number() });
type AuthOptions = Pick<HubOptions, 'handlers' | 'clock' | 'direct'> & { readonly admission: Admission };

export class JoinAuth {
  readonly #handlers: HubHandlers;
  readonly #direct: HubOptions['direct'];
  readonly #failures: MinuteLimit;
  readonly #admission: Admission;

  constructor(options: AuthOptions) {
    const { handlers, clock } = options;
    this.#handlers = handlers;
    this.#admission = options.admission;
    this.#direct = options.direct;
    this.#failures = new MinuteLimit(limits.failedAuthsPerMinuteMax, limits.failedAuthAddressesMax, clock);
  }

  /**
   * Lets in whom the plant knows by this name, or who has a token: that it is that node, its join has to prove.
   * Refuses `bad_message`, `wire_version`, `moved`, `later`, `node_revoked`, `too_many`, or as the token says.
   */
  async admitAgent(raw: unknown, address: string): Promise<Outcome<AgentAuth, Refusal>> {
    const auth = decodeAuth(raw, agentAuthSchema, limits.agentWireVersion, 'agent');
    if (!auth.ok) return this.#told('agent_refused', address, auth.reason);
    const wait = this.#inTurn(auth.value.nodeId);
    if (wait !== undefined) return wait;
    const direction = this.#direct?.();
    const admitted = direction === undefined ? await this.#judge(auth.value, address) : refused(direction);
    if (!admitted.ok) this.#admission.ended(auth.value.nodeId);
    return admitted;
  }

  async #judge(auth: AgentAuth, address: string): Promise<Outcome<AgentAuth, Refusal>> {
    const { nodeId, enrolToken } = auth;
    const key = await this.#handlers.nodeKey(nodeId);
    if (key === undefined || key === revokedKey) {
      if (enrolToken === undefined) return this.agentRefused(address, wrongKey(nodeId, key));
      const waitMs = this.#failures.waitMs(address);
      if (waitMs > 0) return this.#told('agent_refused', address, tooManyFailures(address, waitMs));
      const hindrance = await this.#handlers.enrolmentHindrance(hashSecret(enrolToken), nodeId);
      if (hindrance !== undefined) return this.agentRefused(address, hindrance);
    }
    return accepted(auth);
  }

  readonly agentRefused = (address: string, reason: Refusal): Outcome<never, Refusal> =>
    this.#failed('agent_refused', address, reason);

  /** Refuses `bad_message`, `wire_version`, `wrong_token`, `too_many`. */
  admitConsole(raw: unknown, address: string): Outcome<() => ConsoleSession, Refusal> {
    const auth = decodeAuth(raw, consoleAuthSchema, limits.consoleWireVersion, 'console');
    if (!auth.ok) return this.#told('console_refused', address, auth.reason);
    const waitMs = auth.value.token === undefined ? 0 : this.#failures.waitMs(address);
    if (waitMs > 0) return this.#told('console_refused', address, tooManyFailures(address, waitMs));
    const session = this.#handlers.consoleSession(auth.value.token, address);
    if (session) return accepted(session);
    const reason =
      'the token is wrong or has ended; log in by name, or take the present one from the data folder';
    return this.#failed('console_refused', address, refusal('wrong_token', reason));
  }

  /** Asked before its name is looked up, which costs the host a question: in a storm a refusal must be cheap. */
  #inTurn(nodeId: NodeId): Outcome<never, Refusal> | undefined {
    const retryAfterMs = this.#admission.waitMs(nodeId);
    if (retryAfterMs === 0) return undefined;
    const reason = `many nodes join now; the place of ${nodeId} is in ${retryAfterMs} ms`;
    return refused(refusal('later', reason, { retryAfterMs }));
  }

  /** Somebody who tries secrets: few of that a minute are judged. */
  #failed(action: Refused, address: string, reason: Refusal): Outcome<never, Refusal> {
    this.#failures.add(address);
    return this.#told(action, address, reason);
  }

  /** The trail makes one entry a minute of equal refusals, so that nobody can let it grow. */
  #told(action: Refused, address: string, reason: Refusal): Outcome<never, Refusal> {
    const { code, message } = reason;
    const details = { code, message };
    this.#handlers.audit({
      action,
      actor: 'nobody',
      source: address,
      outcome: 'refused',
      targets: [],
      details,
    });
    return refused(reason);
  }
}

/** The version goes first: another version may have another shape, and "too old" helps more than "bad field". */
function decodeAuth<Schema extends v.GenericSchema>(
  raw: unknown,
  schema: Schema,
  version: number,
  who: 'agent' | 'console',
): Outcome<v.InferOutput<Schema>, Refusal> {
  const wire = decode(wireSchema, raw, `auth of the ${who}`);
  if (!wire.ok) return wire;
  if (wire.value.wire === version) return decode(schema, raw, `auth of the ${who}`);
  const reason =
    `the ${who} speaks version ${wire.value.wire} of the ${who} wire, this host speaks version ${version}; ` +
    `install the ${who} that came with this host`;
  return refused(refusal('wire_version', reason, { field: 'wire' }));
}

const tooManyFailures = (address: string, retryAfterMs: number): Refusal =>
  refusal(
    'too_many',
    `more than ${limits.failedAuthsPerMinuteMax} failed attempts from ${address} in a minute; ` +
      `retry after ${Math.ceil(retryAfterMs / 1_000)} s`,
    { retryAfterMs },
  );

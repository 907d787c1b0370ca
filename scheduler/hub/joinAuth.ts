// Who may connect: version, enrolment token, node key, console token. Nothing is trusted before this has said yes.
import * as v from 'valibot';
import { type AgentAuth, agentAuthSchema } from '../protocol/agentWire.ts';
import type { NodeId } from '../protocol/brands.ts';
import { consoleAuthSchema } from '../protocol/consoleWire.ts';
import { decode } from '../protocol/decode.ts';
import * as limits from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { Admission } from './admission.ts';
import { MinuteLimit } from './minuteLimit.ts';
import type { HubHandlers, HubOptions } from './ports.ts';
import { hashSecret, newSecret, secretMatches } from './secrets.ts';
import type { Admitted } from './wireSockets.ts';

const wireSchema = v.looseObject({ wire: v.number() });
const enrolments = 'enrolments';
/** Longest life of a half-open socket: one ping interval and its timeout. */
const halfOpenMs = 45_000;

type AuthOptions = Pick<HubOptions, 'handlers' | 'clock' | 'direct' | 'joinsPerSecond'>;

export class JoinAuth {
  readonly #handlers: HubHandlers;
  readonly #direct: HubOptions['direct'];
  readonly #isConnected: (nodeId: NodeId) => boolean;
  readonly #failures: MinuteLimit;
  readonly #enrolments: MinuteLimit;
  readonly #enrolling = new Set<NodeId>();
  readonly #admission: Admission;

  constructor(options: AuthOptions, isConnected: (nodeId: NodeId) => boolean) {
    const { handlers, clock, joinsPerSecond = limits.joinsPerSecondMax } = options;
    this.#handlers = handlers;
    this.#isConnected = isConnected;
    const burst = (limits.joinsBurstMax * joinsPerSecond) / limits.joinsPerSecondMax;
    this.#admission = new Admission(joinsPerSecond, burst, clock);
    this.#direct = options.direct;
    this.#failures = new MinuteLimit(limits.failedAuthsPerMinuteMax, limits.failedAuthAddressesMax, clock);
    this.#enrolments = new MinuteLimit(limits.enrolmentsPerMinuteMax, 1, clock);
  }

  /** Refuses `bad_message`, `wire_version`, `moved`, `later`, `wrong_key`, `node_revoked`, or as `#enrol` does. */
  async admitAgent(raw: unknown, address: string): Promise<Outcome<Admitted, Refusal>> {
    const auth = decodeAuth(raw, agentAuthSchema, limits.agentWireVersion, 'agent');
    if (!auth.ok) return auth;
    const direction = this.#direct?.();
    if (direction !== undefined) return refused(direction);
    const { nodeId, nodeKey, enrolToken } = auth.value;
    if (nodeKey !== undefined) {
      const hash = await this.#handlers.nodeKeyHash(nodeId);
      if (hash !== undefined && secretMatches(nodeKey, hash))
        return this.#inTurn(nodeId) ?? accepted({ nodeId });
      if (enrolToken === undefined) return this.#failed(address, wrongKey(nodeId, hash));
    }
    return this.#enrol(auth.value, address);
  }

  /** Refuses `bad_message`, `wire_version`, `wrong_token`, `too_many`. */
  admitConsole(raw: unknown, address: string): Outcome<void, Refusal> {
    const auth = decodeAuth(raw, consoleAuthSchema, limits.consoleWireVersion, 'console');
    if (!auth.ok) return auth;
    const waitMs = this.#failures.waitMs(address);
    if (waitMs > 0) return refused(tooManyFailures(address, waitMs));
    if (this.#handlers.consoleTokenMatches(auth.value.token)) return accepted(undefined);
    const reason = 'the console token is wrong; take the present one from the data folder of the host';
    return this.#failed(address, refusal('wrong_token', reason));
  }

  /** Gives the node a new key. Refuses `wrong_token`, `already_connected`, `too_many`, and what the host refuses. */
  async #enrol(auth: AgentAuth, address: string): Promise<Outcome<Admitted, Refusal>> {
    const { nodeId, enrolToken } = auth;
    if (enrolToken === undefined) return refused(noSecret(nodeId));
    const waitMs = this.#failures.waitMs(address);
    if (waitMs > 0) return refused(tooManyFailures(address, waitMs));
    if (!(await this.#handlers.enrolmentTokenMatches(enrolToken))) {
      const reason = `the enrolment token of ${nodeId} is wrong or was renewed; copy the present one from the console`;
      return this.#failed(address, refusal('wrong_token', reason));
    }
    const hindrance = this.#hindrance(nodeId);
    if (hindrance !== undefined) return refused(hindrance);
    const wait = this.#inTurn(nodeId);
    if (wait !== undefined) return wait;
    this.#enrolments.add(enrolments);
    this.#enrolling.add(nodeId);
    const nodeKey = newSecret();
    const enrolled = await this.#handlers.enrol(nodeId, hashSecret(nodeKey)).finally(() => {
      this.#enrolling.delete(nodeId);
    });
    return enrolled.ok ? accepted({ nodeId, nodeKey }) : enrolled;
  }

  /** Asked once its secret is known to be right: nobody else can take a node's place in the line. */
  #inTurn(nodeId: NodeId): Outcome<never, Refusal> | undefined {
    const retryAfterMs = this.#admission.waitMs(nodeId);
    if (retryAfterMs === 0) return undefined;
    const reason = `many nodes join now; the place of ${nodeId} is in ${retryAfterMs} ms`;
    return refused(refusal('later', reason, { retryAfterMs }));
  }

  #hindrance(nodeId: NodeId): Refusal | undefined {
    if (this.#isConnected(nodeId) || this.#enrolling.has(nodeId)) {
      return alreadyConnected(nodeId);
    }
    const retryAfterMs = this.#enrolments.waitMs(enrolments);
    if (retryAfterMs === 0) return undefined;
    const reason = `at most ${limits.enrolmentsPerMinuteMax} nodes can enrol per minute; try again later`;
    return refusal('too_many', reason, { retryAfterMs });
  }

  #failed(address: string, reason: Refusal): Outcome<never, Refusal> {
    this.#failures.add(address);
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

export const alreadyConnected = (nodeId: NodeId): Refusal =>
  refusal(
    'already_connected',
    `a node named ${nodeId} is connected now; give this one another name, or stop the other first`,
    { retryAfterMs: halfOpenMs },
  );

const wrongKey = (nodeId: NodeId, hash: string | undefined): Refusal =>
  hash === undefined
    ? refusal(
        'node_revoked',
        `node ${nodeId} was forgotten or never enrolled here; enrol it with the plant's token`,
      )
    : refusal('wrong_key', `the key of node ${nodeId} is wrong; delete it on the node and enrol it again`);

const noSecret = (nodeId: NodeId): Refusal =>
  refusal(
    'bad_message',
    `node ${nodeId} sent neither nodeKey nor enrolToken; start it with the enrolment token`,
    {
      field: 'enrolToken',
    },
  );

const tooManyFailures = (address: string, retryAfterMs: number): Refusal =>
  refusal(
    'too_many',
    `more than ${limits.failedAuthsPerMinuteMax} failed attempts from ${address} in a minute; ` +
      `retry after ${Math.ceil(retryAfterMs / 1_000)} s`,
    { retryAfterMs },
  );

// Does who says to be a node have its key? Asked at each join and each change of a key, off the event loop.
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { AgentAuth, Join, Rotate } from '../protocol/agentWire.ts';
import type { NodeId } from '../protocol/brands.ts';
import { keyOfPublic, type NodeKey, publicOfKey, revokedKey } from '../protocol/identity.ts';
import * as limits from '../protocol/limits.ts';
import { joinText, rotateText } from '../protocol/nodeProof.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { MinuteLimit } from './minuteLimit.ts';
import type { HubHandlers, HubOptions } from './ports.ts';
import { hashSecret, secretMatches } from './secrets.ts';

/** A connection that was let in, and has yet to prove who it is. */
export interface Claim {
  readonly auth: AgentAuth;
  readonly address: string;
  readonly socketId: string;
}
type Proven = Outcome<string, Refusal>;
type TellRefused = (address: string, reason: Refusal) => Outcome<never, Refusal>;

const enrolments = 'enrolments';

export class NodeProofs {
  readonly #handlers: HubHandlers;
  readonly #refused: TellRefused;
  readonly #enrolments: MinuteLimit;

  /** `refused`: counts and tells who was turned away. */
  constructor({ handlers, clock }: Pick<HubOptions, 'handlers' | 'clock'>, refused: TellRefused) {
    this.#handlers = handlers;
    this.#refused = refused;
    this.#enrolments = new MinuteLimit(limits.enrolmentsPerMinuteMax, 1, clock);
  }

  /**
   * The public key by which the node is known from now on. Enrols it, or gives a node of before its first pair, where
   * its secret for that is right. `sent`: the join as it came. Refuses `wrong_key`, `node_revoked`, and as enrolling.
   */
  async ofJoin(claim: Claim, join: Join, sent: Pick<Join, 'spec' | 'held'>): Promise<Proven> {
    const { auth, socketId, address } = claim;
    const { nodeId, publicKey, enrolToken, nodeKey } = auth;
    const text = Buffer.from(joinText(nodeId, socketId, sent));
    const key = await this.#handlers.nodeKey(nodeId);
    const known = key === undefined ? undefined : publicOfKey(key);
    if (known !== undefined && (await isSignedBy(known, text, join.proofs))) return accepted(known);
    if (enrolToken === undefined && nodeKey === undefined)
      return this.#refused(address, wrongKey(nodeId, key));
    // It must have the private key of what it wants to be known by.
    if (!(await isSignedBy(publicKey, text, join.proofs)))
      return this.#refused(address, wrongKey(nodeId, key));
    if (key !== undefined && nodeKey !== undefined && secretMatches(nodeKey, key))
      return this.#replace(claim, key, publicKey);
    if (enrolToken === undefined) return this.#refused(address, wrongKey(nodeId, key));
    return this.#enrol(claim, hashSecret(enrolToken));
  }

  /** Resolves when the new key is durable. Refuses `wrong_key`. */
  async ofRotate(claim: Claim, { publicKey, proofs }: Rotate): Promise<Proven> {
    const { nodeId } = claim.auth;
    const text = Buffer.from(rotateText(nodeId, claim.socketId, publicKey));
    const key = await this.#handlers.nodeKey(nodeId);
    const known = key === undefined ? undefined : publicOfKey(key);
    const [byOld, byNew] = proofs;
    const isRight =
      known !== undefined &&
      (await isSignedBy(known, text, [byOld])) &&
      (await isSignedBy(publicKey, text, [byNew]));
    if (key === undefined || !isRight) return this.#refused(claim.address, wrongKey(nodeId, key));
    return this.#replace(claim, key, publicKey);
  }

  async #replace({ auth, address }: Claim, from: NodeKey, publicKey: string): Promise<Proven> {
    const { nodeId } = auth;
    const replaced = await this.#handlers.replaceKey(nodeId, from, publicKey);
    if (!replaced.ok) return replaced;
    if (from !== keyOfPublic(publicKey)) this.#tell('key_rotated', nodeId, address);
    return accepted(publicKey);
  }

  async #enrol({ auth, address }: Claim, tokenHash: string): Promise<Proven> {
    const { nodeId, publicKey } = auth;
    const retryAfterMs = this.#enrolments.waitMs(enrolments);
    if (retryAfterMs > 0) {
      const said = `at most ${limits.enrolmentsPerMinuteMax} nodes can enrol per minute; try again later`;
      return refused(refusal('too_many', said, { retryAfterMs }));
    }
    this.#enrolments.add(enrolments);
    const enrolled = await this.#handlers.enrol(nodeId, publicKey, tokenHash);
    if (!enrolled.ok) return this.#refused(address, enrolled.reason);
    this.#tell('enrolled', nodeId, address);
    return accepted(publicKey);
  }

  #tell(action: string, nodeId: NodeId, source: string): void {
    this.#handlers.audit({ action, actor: `agent:${nodeId}`, source, outcome: 'done', targets: [nodeId] });
  }
}

/** What comes before the 32 bytes of an Ed25519 key in its DER form (RFC 8410). */
const derPrefix = Buffer.from('302a300506032b6570032100', 'hex');

const objectOf = (publicKey: string): KeyObject =>
  createPublicKey({
    key: Buffer.concat([derPrefix, Buffer.from(publicKey, 'base64url')]),
    format: 'der',
    type: 'spki',
  });

/** By any of the signatures, in the thread pool: 60 us each, which a storm of joins would take from the event loop. */
async function isSignedBy(publicKey: string, text: Buffer, signatures: readonly string[]): Promise<boolean> {
  const key = objectOf(publicKey);
  for (const signature of signatures) {
    const isRight = await new Promise<boolean>((resolve) => {
      verify(null, text, key, Buffer.from(signature, 'base64url'), (error, is) => {
        resolve(error === null && is);
      });
    });
    if (isRight) return true;
  }
  return false;
}

export function wrongKey(nodeId: NodeId, key: NodeKey | undefined): Refusal {
  if (key === undefined)
    return refusal(
      'node_revoked',
      `node ${nodeId} was forgotten or never enrolled here; enrol it with a token`,
    );
  if (key === revokedKey) {
    const said = `node ${nodeId} was revoked by an operator; it comes back with a token made for its name`;
    return refusal('node_revoked', said);
  }
  return refusal('wrong_key', `the key of node ${nodeId} is wrong; enrol it with a token made for its name`);
}

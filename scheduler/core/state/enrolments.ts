// Enrolment tokens: how many nodes may still come in with each, and until when.
import type { NodeId } from '../../protocol/brands.ts';
import { type Enrolment, enrolmentIdOf, type EnrolmentRow } from '../../protocol/identity.ts';
import { type Refusal, refusal } from '../../protocol/outcome.ts';

export class EnrolmentTable {
  /** By the hash of the token, the oldest first. */
  readonly #byHash = new Map<string, Enrolment>();

  get size(): number {
    return this.#byHash.size;
  }
  all(): IterableIterator<Enrolment> {
    return this.#byHash.values();
  }
  get(tokenHash: string): Enrolment | undefined {
    return this.#byHash.get(tokenHash);
  }
  byId(enrolmentId: string): Enrolment | undefined {
    for (const one of this.all()) if (enrolmentIdOf(one.tokenHash) === enrolmentId) return one;
    return undefined;
  }

  put(enrolment: Enrolment): void {
    this.#byHash.set(enrolment.tokenHash, enrolment);
  }
  remove(tokenHash: string): void {
    this.#byHash.delete(tokenHash);
  }
  use(tokenHash: string): void {
    const found = this.#byHash.get(tokenHash);
    if (found) this.put({ ...found, uses: found.uses + 1 });
  }
  revoke(tokenHash: string): void {
    const found = this.#byHash.get(tokenHash);
    if (found) this.put({ ...found, isRevoked: true });
  }

  /** Why a node of this name cannot enrol with the token now. */
  hindrance(tokenHash: string, nodeId: NodeId, nowMs: number): Refusal | undefined {
    const found = this.get(tokenHash);
    const next = 'make a new one in the console';
    if (!found || found.isRevoked)
      return refusal('wrong_token', `the enrolment token of ${nodeId} is wrong or was revoked; ${next}`);
    if (found.nodeId !== undefined && found.nodeId !== nodeId)
      return refusal(
        'wrong_token',
        `this enrolment token is for node ${found.nodeId}, not for ${nodeId}; ${next}`,
      );
    const standing = standingOf(found, nowMs);
    if (standing === 'expired')
      return refusal('token_expired', `the enrolment token of ${nodeId} has expired; ${next}`);
    if (standing !== 'used_up') return undefined;
    const said = `the enrolment token of ${nodeId} was for ${String(found.nodesMax)} nodes, and as many came`;
    return refusal('token_used_up', `${said}; ${next}`);
  }
}

export function standingOf(enrolment: Enrolment, nowMs: number): EnrolmentRow['state'] {
  if (enrolment.isRevoked) return 'revoked';
  if (enrolment.uses >= enrolment.nodesMax) return 'used_up';
  return nowMs >= enrolment.expiresAtMs ? 'expired' : 'open';
}

export function enrolmentRow(enrolment: Enrolment, nowMs: number): EnrolmentRow {
  const { tokenHash, label, createdAtMs, expiresAtMs, nodesMax, uses, actor, nodeId } = enrolment;
  return {
    enrolmentId: enrolmentIdOf(tokenHash),
    state: standingOf(enrolment, nowMs),
    ...{ label, createdAtMs, expiresAtMs, nodesMax, uses, actor },
    ...(nodeId !== undefined && { nodeId }),
  };
}

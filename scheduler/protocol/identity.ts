// Who a node is: its key, the tokens by which nodes enrol, and the commands and events that change them.
import * as v from 'valibot';
import type { Ms, NodeId } from './brands.ts';
import * as limits from './limits.ts';
import { nameSchema, wholeFrom } from './text.ts';

/**
 * What the plant keeps of a node to know it by, as one text: `ed25519:` and its public key (32 bytes, base64url);
 * `revoked`; or, of a node that enrolled before nodes had pairs, the SHA-256 of its secret in hexadecimal.
 */
export type NodeKey = string;
const publicPrefix = 'ed25519:';
export const revokedKey: NodeKey = 'revoked';
export const keyOfPublic = (publicKey: string): NodeKey => `${publicPrefix}${publicKey}`;
/** Undefined: it is revoked, or from before nodes had pairs. */
export const publicOfKey = (key: NodeKey): string | undefined =>
  key.startsWith(publicPrefix) ? key.slice(publicPrefix.length) : undefined;

/** 32 bytes in base64url. */
export const publicKeySchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{43}$/, 'is no Ed25519 public key'));
/** 64 bytes in base64url. */
export const signatureSchema = v.pipe(v.string(), v.regex(/^[A-Za-z0-9_-]{86}$/, 'is no Ed25519 signature'));

/** What an operator says of a token before it is made. */
export const enrolmentSettingsSchema = v.strictObject({
  label: v.optional(v.pipe(v.string(), v.maxLength(limits.nameLengthMax)), ''),
  validMs: v.optional(
    wholeFrom(limits.enrolmentValidLeastMs, limits.enrolmentValidMaxMs),
    limits.enrolmentValidDefaultMs,
  ),
  /** How many nodes may enrol with it. */
  nodesMax: v.optional(wholeFrom(1, limits.nodesMax), 1),
  /** Only a node of this name, also where it is known or revoked: the way back for a machine that lost its key. */
  nodeId: v.exactOptional(
    v.pipe(
      nameSchema,
      v.transform((text) => text as NodeId),
    ),
  ),
});
export type EnrolmentSettings = v.InferOutput<typeof enrolmentSettingsSchema>;

/** A token as the plant keeps it: never its text. */
export interface Enrolment {
  /** SHA-256 of the token, hexadecimal. */
  readonly tokenHash: string;
  readonly label: string;
  readonly createdAtMs: Ms;
  readonly expiresAtMs: Ms;
  readonly nodesMax: number;
  readonly uses: number;
  readonly actor: string;
  readonly nodeId?: NodeId;
  /** It may give new keys to nodes that are known, but not to those that are revoked: for the simulated plant. */
  readonly mayReplace?: true;
  readonly isRevoked?: true;
}
/** Enough of the hash to name one. */
export const enrolmentIdOf = (tokenHash: string): string => tokenHash.slice(0, 12);

/** A token as lists show it. */
export type EnrolmentRow = Omit<Enrolment, 'tokenHash' | 'mayReplace' | 'isRevoked'> & {
  readonly enrolmentId: string;
  readonly state: 'open' | 'expired' | 'used_up' | 'revoked';
};

/** Stores a node's public key. Already so: nothing changes, and no use of a token is counted. */
export interface EnrolNode {
  readonly kind: 'EnrolNode';
  readonly nodeId: NodeId;
  readonly publicKey: string;
  /** By which token. Absent: the caller vouches for it. */
  readonly tokenHash?: string;
}
/** The node has another key from now on. Refused where the one it had is not `from` any more. */
export interface ReplaceKey {
  readonly kind: 'ReplaceKey';
  readonly nodeId: NodeId;
  readonly from: NodeKey;
  readonly publicKey: string;
}
/** Lets nobody in by this name from now on, and counts what ran there as lost. */
export interface RevokeNode {
  readonly kind: 'RevokeNode';
  readonly nodeId: NodeId;
  readonly actor: string;
}
export interface CreateEnrolment {
  readonly kind: 'CreateEnrolment';
  readonly tokenHash: string;
  readonly settings: EnrolmentSettings;
  readonly mayReplace?: true;
  readonly actor: string;
}
/** Nobody enrols with it from now on. Nodes that did stay. */
export interface RevokeEnrolment {
  readonly kind: 'RevokeEnrolment';
  readonly enrolmentId: string;
  readonly actor: string;
}
export type IdentityCommand = EnrolNode | ReplaceKey | RevokeNode | CreateEnrolment | RevokeEnrolment;

export type IdentityEvent =
  | {
      readonly kind: 'node_enrolled';
      readonly nodeId: NodeId;
      readonly key: NodeKey;
      /** One use of this token. */
      readonly tokenHash?: string;
    }
  | { readonly kind: 'node_key_replaced'; readonly nodeId: NodeId; readonly key: NodeKey }
  | { readonly kind: 'node_revoked'; readonly nodeId: NodeId; readonly actor: string }
  | { readonly kind: 'enrolment_created'; readonly enrolment: Enrolment }
  | { readonly kind: 'enrolment_revoked'; readonly tokenHash: string; readonly actor: string }
  /** It could not be used any more, and made room for another. */
  | { readonly kind: 'enrolment_dropped'; readonly tokenHash: string };

// The texts that a node signs to show that it has its private key. Each begins with what it is for, so that a signature
// for one purpose is none for another, and names the connection, so that it is worth nothing on the next one.
import type { NodeId } from './brands.ts';

/**
 * `socketId`: the id that Socket.IO gave the connection, which both sides know: random, new for each.
 * `spec`, `held`: as they cross the wire, so that nobody on the way can change them.
 */
export const joinText = (nodeId: NodeId, socketId: string, join: { spec: unknown; held: unknown }): string =>
  `millrace-join-v1\n${nodeId}\n${socketId}\n${JSON.stringify([join.spec, join.held])}`;

/** Signed by the old key and by the new one. */
export const rotateText = (nodeId: NodeId, socketId: string, publicKey: string): string =>
  `millrace-rotate-v1\n${nodeId}\n${socketId}\n${publicKey}`;

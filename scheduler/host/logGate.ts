// Output of attempts while the host is overloaded: held back unacknowledged, so that agents keep their copies and send
// no more than their window; past a bound turned away, and fetched again from the agent later.
import type { LogChunk } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import { heldLogBytesMax, heldLogChunksMax } from '../protocol/limits.ts';

interface Held {
  readonly bytes: number;
  readonly go: (isTaken: boolean) => void;
}

/** Nodes asked to come back per call of `tick`: each costs a join. */
const recalledPerTick = 25;

export interface LogGateParts {
  /** Ends the node's connection: with its next join the agent sends again whatever was not acknowledged. */
  readonly recall: (nodeId: NodeId) => void;
}

export class LogGate {
  readonly #parts: LogGateParts;
  #held: Held[] = [];
  #heldBytes = 0;
  #isShut = false;
  /** Attempts with a piece turned away: what follows it would be stored with a gap, so it is turned away too. */
  readonly #broken = new Map<Token, NodeId>();

  constructor(parts: LogGateParts) {
    this.#parts = parts;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }
  get turnedAway(): number {
    return this.#broken.size;
  }

  /** True at once, or when the gate opens: store it. False: say nothing to the agent, it will send it again. */
  pass(nodeId: NodeId, { token, bytes }: Pick<LogChunk, 'token' | 'bytes'>): true | Promise<boolean> {
    if (this.#broken.has(token)) return Promise.resolve(false);
    if (!this.#isShut) return true;
    const isFull = this.#heldBytes + bytes > heldLogBytesMax || this.#held.length >= heldLogChunksMax;
    if (isFull) {
      this.#broken.set(token, nodeId);
      return Promise.resolve(false);
    }
    this.#heldBytes += bytes;
    return new Promise((go) => {
      this.#held.push({ bytes, go });
    });
  }

  shut(): void {
    this.#isShut = true;
  }

  /** What was held goes on in the order in which it came, before anything newer. */
  open(): void {
    this.#isShut = false;
    const held = this.#held;
    this.#held = [];
    this.#heldBytes = 0;
    for (const { go } of held) go(true);
  }

  /** A node has a new connection: its agent sends what was not acknowledged from there on. */
  joined(nodeId: NodeId): void {
    if (this.#broken.size === 0) return;
    for (const [token, holder] of this.#broken) if (holder === nodeId) this.#broken.delete(token);
  }

  /** About once a second, while the host has time: asks some of those turned away to come again. */
  tick(): void {
    if (this.#isShut || this.#broken.size === 0) return;
    const nodes = new Set([...this.#broken.values()].slice(0, recalledPerTick));
    for (const nodeId of nodes) {
      this.joined(nodeId);
      this.#parts.recall(nodeId);
    }
  }
}

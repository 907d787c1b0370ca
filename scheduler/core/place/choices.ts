// Why the newest placements went where they did: remembered for those who ask, by token. Soft state: after a restart
// nothing is known of the choices before it.
import { nodeIndex, type NodeIndex, type Token } from '../../protocol/brands.ts';
import { choicesKept } from '../../protocol/limits.ts';
import type { WhyThere } from '../../protocol/why.ts';
import type { NodeTable } from '../state/nodeTable.ts';

const none = -1;

/** What the last search saw; the placer writes it, and nobody keeps it but `Choices`. */
export interface LastChoice {
  policy: string;
  considered: number;
  score: number;
  second: NodeIndex | undefined;
  secondScore: number;
}

export class Choices {
  readonly #tokens = new Float64Array(choicesKept).fill(none);
  readonly #nodes = new Int32Array(choicesKept);
  readonly #considered = new Int32Array(choicesKept);
  readonly #scores = new Float64Array(choicesKept);
  readonly #seconds = new Int32Array(choicesKept);
  readonly #secondScores = new Float64Array(choicesKept);
  readonly #policies: string[] = new Array<string>(choicesKept).fill('');

  /** O(1). */
  keep(token: Token, node: NodeIndex, { policy, considered, score, second, secondScore }: LastChoice): void {
    const at = token % choicesKept;
    this.#tokens[at] = token;
    this.#nodes[at] = node;
    this.#considered[at] = considered;
    this.#scores[at] = score;
    this.#seconds[at] = second ?? none;
    this.#secondScores[at] = secondScore;
    this.#policies[at] = policy;
  }

  /** Undefined where it is not remembered, or the node has gone since. */
  of(token: Token, nodes: NodeTable): WhyThere | undefined {
    const at = token % choicesKept;
    const node = nodes.ids[this.#nodes[at] ?? none];
    if (this.#tokens[at] !== token || node === undefined) return undefined;
    const second = this.#seconds[at] ?? none;
    const secondId = second === none ? undefined : nodes.ids[nodeIndex(second)];
    return {
      nodeId: node,
      policy: this.#policies[at] ?? '',
      considered: this.#considered[at] ?? 0,
      score: this.#scores[at] ?? 0,
      ...(secondId !== undefined && { second: { nodeId: secondId, score: this.#secondScores[at] ?? 0 } }),
    };
  }
}

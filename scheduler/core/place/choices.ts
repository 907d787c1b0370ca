// Why the newest placements went where they did: remembered for those who ask, by token. Soft state: after a restart
// nothing is known of the choices before it.
import { nodeIndex, type NodeIndex, type Token } from '../../protocol/brands.ts';
import { choicesKept } from '../../protocol/limits.ts';
import type { WhyThere } from '../../protocol/why.ts';
import type { NodeTable } from '../state/nodeTable.ts';

const none = -1;

interface Judges {
  readonly policy: string;
  readonly score: (node: NodeIndex) => number;
  /** Of the task's own preferences: they come before the score. Undefined where it has none. */
  readonly weight: ((node: NodeIndex) => number) | undefined;
}

/** The best of some nodes, and what it was compared with. One is used for all placements: a cycle has hundreds. */
export class Comparison {
  policy = '';
  considered = 0;
  score = 0;
  second: NodeIndex | undefined;
  secondScore = 0;

  /** The first `count` nodes are compared; ties go to the earlier one. Undefined where there are none. */
  best(found: Int32Array, count: number, { policy, score, weight }: Judges): NodeIndex | undefined {
    let best: NodeIndex | undefined;
    let bestWeight = -1;
    this.policy = policy;
    this.considered = count;
    this.score = Number.NEGATIVE_INFINITY;
    this.second = undefined;
    for (let i = 0; i < count; i += 1) {
      const node = nodeIndex(found[i] ?? 0);
      const weighs = weight ? weight(node) : 0;
      if (weighs < bestWeight) continue;
      const scored = score(node);
      if (weighs === bestWeight && scored <= this.score) continue;
      [this.second, this.secondScore] = [best, this.score];
      [best, this.score, bestWeight] = [node, scored, weighs];
    }
    return best;
  }
}

/** Some megabytes: a core that replays or is looked at makes no choices. */
class Columns {
  readonly tokens = new Float64Array(choicesKept).fill(none);
  readonly nodes = new Int32Array(choicesKept);
  readonly considered = new Int32Array(choicesKept);
  readonly scores = new Float64Array(choicesKept);
  readonly seconds = new Int32Array(choicesKept);
  readonly secondScores = new Float64Array(choicesKept);
  readonly policies: string[] = new Array<string>(choicesKept).fill('');
}

export class Choices {
  #kept: Columns | undefined;

  /** O(1). */
  keep(token: Token, node: NodeIndex, { policy, considered, score, second, secondScore }: Comparison): void {
    const kept = (this.#kept ??= new Columns());
    const at = token % choicesKept;
    kept.tokens[at] = token;
    kept.nodes[at] = node;
    kept.considered[at] = considered;
    kept.scores[at] = score;
    kept.seconds[at] = second ?? none;
    kept.secondScores[at] = secondScore;
    kept.policies[at] = policy;
  }

  /** Undefined where it is not remembered, or the node has gone since. */
  of(token: Token, nodes: NodeTable): WhyThere | undefined {
    const kept = this.#kept;
    if (!kept) return undefined;
    const at = token % choicesKept;
    const node = nodes.ids[kept.nodes[at] ?? none];
    if (kept.tokens[at] !== token || node === undefined) return undefined;
    const second = kept.seconds[at] ?? none;
    const secondId = second === none ? undefined : nodes.ids[nodeIndex(second)];
    return {
      nodeId: node,
      policy: kept.policies[at] ?? '',
      considered: kept.considered[at] ?? 0,
      score: kept.scores[at] ?? 0,
      ...(secondId !== undefined && { second: { nodeId: secondId, score: kept.secondScores[at] ?? 0 } }),
    };
  }
}

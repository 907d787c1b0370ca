// The shapes that fit one ask, best first, kept between its placements: only shapes that arose since are scored.
import { shapesPerPlacementMax } from '../../protocol/limits.ts';
import type { GpuShape, GpuShapes } from '../state/gpuShapes.ts';
import type { GpuJudge } from './gpuScore.ts';

/** What a ranking asks of a shape or node beyond its amounts. */
export interface RankingRules<Node> {
  /** May this shape's nodes take the ask at all? Class and named resources. */
  readonly admits: (shape: GpuShape) => boolean;
  /** The node to take of this shape; undefined where none of them can, for slots that are short. */
  readonly pick: (shape: GpuShape) => Node | undefined;
}

const staleSlack = 64; // dead entries beyond as many as there are shapes, before they are swept

export class GpuRanking {
  readonly #shapes: GpuShapes;
  readonly #judge: GpuJudge;
  /** A binary heap in two columns: best score on top, the older shape on a tie. */
  #scores: number[] = [];
  #ranked: GpuShape[] = [];
  /** Births looked at: from `#from` up to `#upTo`, both included. */
  #from: number;
  #upTo: number;

  constructor(shapes: GpuShapes, judge: GpuJudge) {
    this.#shapes = shapes;
    this.#judge = judge;
    this.#upTo = shapes.log.at(-1)?.birth ?? 0;
    this.#from = this.#upTo + 1;
  }

  /** Entries held, live and stale. */
  get size(): number {
    return this.#ranked.length;
  }

  /** The best node now. Looks at the newest shapes first, and on until one takes the ask or all are seen. */
  best<Node>({ admits, pick }: RankingRules<Node>): Node | undefined {
    this.#sweep();
    this.#lookAtOlder(admits, shapesPerPlacementMax - this.#lookAtNew(admits));
    for (;;) {
      const found = this.#top(pick);
      if (found !== undefined || this.#from <= 1) return found;
      this.#lookAtOlder(admits, shapesPerPlacementMax);
    }
  }

  /** How many it looked at. */
  #lookAtNew(admits: (shape: GpuShape) => boolean): number {
    const { log } = this.#shapes;
    const first = this.#shapes.logIndexOf(this.#upTo + 1);
    if (log.length - first > shapesPerPlacementMax) {
      // Too long ago: begins anew with the newest, so that one placement stays short.
      this.#scores = [];
      this.#ranked = [];
      this.#upTo = log.at(-1)?.birth ?? 0;
      this.#from = this.#upTo + 1;
      return 0;
    }
    for (let at = first; at < log.length; at += 1) this.#look(log[at], admits);
    this.#upTo = Math.max(this.#upTo, log.at(-1)?.birth ?? 0);
    return log.length - first;
  }

  #lookAtOlder(admits: (shape: GpuShape) => boolean, looksMax: number): void {
    if (this.#from <= 1) return;
    const { log } = this.#shapes;
    let at = this.#shapes.logIndexOf(this.#from) - 1;
    for (let looks = 0; at >= 0 && looks < looksMax; looks += 1, at -= 1) this.#look(log[at], admits);
    this.#from = at < 0 ? 1 : (log[at]?.birth ?? 0) + 1;
  }

  #look(shape: GpuShape | undefined, admits: (shape: GpuShape) => boolean): void {
    if (!shape || shape.isGone || !this.#judge.fits(shape) || !admits(shape)) return;
    this.#push(this.#judge.score(shape), shape);
  }

  #top<Node>(pick: (shape: GpuShape) => Node | undefined): Node | undefined {
    const aside: { score: number; shape: GpuShape }[] = [];
    let found: Node | undefined;
    while (found === undefined && this.#ranked.length > 0) {
      const shape = this.#ranked[0];
      const score = this.#scores[0];
      if (!shape || score === undefined) break;
      if (!shape.isGone) {
        found = pick(shape);
        if (found !== undefined) break;
        aside.push({ score, shape });
      }
      this.#pop();
    }
    for (const { score, shape } of aside) this.#push(score, shape);
    return found;
  }

  /** Drops shapes that are gone once they outnumber those that can be live. Amortised O(log n). */
  #sweep(): void {
    if (this.#ranked.length <= 2 * this.#shapes.size + staleSlack) return;
    const scores = this.#scores;
    const ranked = this.#ranked;
    this.#scores = [];
    this.#ranked = [];
    for (const [at, shape] of ranked.entries()) if (!shape.isGone) this.#push(scores[at] ?? 0, shape);
  }

  #push(score: number, shape: GpuShape): void {
    let at = this.#ranked.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isWorse(parent, score, shape)) break;
      this.#move(parent, at);
      at = parent;
    }
    this.#scores[at] = score;
    this.#ranked[at] = shape;
  }

  #pop(): void {
    const score = this.#scores.pop();
    const shape = this.#ranked.pop();
    const size = this.#ranked.length;
    if (size === 0 || score === undefined || !shape) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      const [otherScore, other] = [this.#scores[child + 1], this.#ranked[child + 1]];
      if (otherScore !== undefined && other && this.#isWorse(child, otherScore, other)) child += 1;
      if (this.#isWorse(child, score, shape)) break;
      this.#move(child, at);
      at = child;
    }
    this.#scores[at] = score;
    this.#ranked[at] = shape;
  }

  #move(from: number, to: number): void {
    const shape = this.#ranked[from];
    if (!shape) return;
    this.#scores[to] = this.#scores[from] ?? 0;
    this.#ranked[to] = shape;
  }

  /** Is the entry at `at` worse than this one? */
  #isWorse(at: number, score: number, shape: GpuShape): boolean {
    const there = this.#scores[at] ?? 0;
    return there < score || (there === score && (this.#ranked[at]?.birth ?? 0) > shape.birth);
  }
}

// What the reader's functions share: the file, the walk, and how long one question may keep all others waiting.
import type { Database } from '../sqlite/driver.ts';
import type { SegmentWalk } from './segmentWalk.ts';

/** Filters that the index answers are done long before; a rare pair of them stops here and goes on when asked again. */
export const pageBudgetMs = 80;
/** A text may need records, which take longer; people see progress four times a second. */
export const textBudgetMs = 250;

export class Budget {
  readonly #endMs: number;
  constructor(budgetMs: number) {
    this.#endMs = performance.now() + budgetMs;
  }
  get isSpent(): boolean {
    return performance.now() >= this.#endMs;
  }
}

export interface Reading {
  readonly database: Database;
  readonly walk: SegmentWalk;
  readonly budget: Budget;
}

// Spreads a burst of starts over turns of the event loop.

const startsPerTurn = 8;

/**
 * A few starts per turn: each holds the loop for about 2 ms, and a burst of dispatches must not hold up heartbeats,
 * output, and the reports of those already running.
 */
export class StartPace {
  #starts = 0;
  #turn: Promise<void> = Promise.resolve();

  /** Resolves when the next one may start. */
  turn(): Promise<void> {
    this.#starts += 1;
    if (this.#starts % startsPerTurn === 0)
      this.#turn = this.#turn.then(() => new Promise((resolve) => setImmediate(resolve)));
    return this.#turn;
  }
}

// Keeps the index up with what is stored, in small steps between commits: builds segments that are due, moves what an
// older version stored, and clears what is not needed any more.
import type { BuildBegun } from './buildWriter.ts';
import type { BuildPart } from './segmentBuild.ts';
import { HistoryFailed, type HistoryThread } from './thread.ts';
import type { BuilderQuestion, Sizes, WriterQuestion } from './threadMessages.ts';

/** How often it is looked whether there is something to do: a segment takes 16 s at 1,000 tasks a second. */
const lookEveryMs = 1_000;
/** Between two steps, so that commits go first. */
const restMs = 5;
/** Parts that wait for the writer: a commit waits for at most so many, some 20 ms. */
const partsUnderWay = 2;

interface UpkeepEvents {
  readonly sizes: (sizes: Sizes) => void;
  /** A write failed. */
  readonly failed: (error: unknown) => void;
  /** The index can be built no further; all that is stored can still be read, slower. */
  readonly damaged: (message: string) => void;
}

export class Upkeep {
  readonly #writer: HistoryThread<WriterQuestion>;
  readonly #builder: HistoryThread<BuilderQuestion>;
  readonly #on: UpkeepEvents;
  readonly #ended: Promise<void>;
  #isEnding = false;
  readonly #resting = new Set<() => void>();

  constructor(
    threads: { writer: HistoryThread<WriterQuestion>; builder: HistoryThread<BuilderQuestion> },
    on: UpkeepEvents,
  ) {
    this.#writer = threads.writer;
    this.#builder = threads.builder;
    this.#on = on;
    this.#ended = Promise.all([this.#tidy(), this.#build()]).then(() => undefined, on.failed);
  }

  /** Resolves once the step under way is done. */
  async end(): Promise<void> {
    this.#isEnding = true;
    for (const wake of this.#resting) wake();
    await this.#ended;
  }

  async #tidy(): Promise<void> {
    while (!this.#isEnding) {
      const { isBusy, ...sizes } = await this.#writer.ask('tidy', undefined);
      this.#on.sizes(sizes);
      await this.#rest(isBusy ? restMs : lookEveryMs);
    }
  }

  /** While one build is stored the next one is made. */
  async #build(): Promise<void> {
    let stored: Promise<void> = Promise.resolve();
    while (!this.#isEnding) {
      const begun = await this.#writer.ask('beginBuild', undefined);
      if (!begun) {
        await this.#rest(lookEveryMs);
        continue;
      }
      const parts = await this.#parts(begun.segment);
      await stored;
      stored = this.#store(begun, parts);
      // It is awaited in the next turn.
      stored.catch(() => undefined);
    }
    await stored;
  }

  /** A build that is not ended leaves nothing that a reader would see; the next start clears it. */
  async #store(begun: BuildBegun, parts: readonly BuildPart[]): Promise<void> {
    const underWay: Promise<unknown>[] = [];
    for (const part of parts) {
      if (this.#isEnding) break;
      underWay.push(this.#writer.ask('storeBuild', { build: begun.build, part }));
      if (underWay.length >= partsUnderWay) await underWay.shift();
    }
    await Promise.all(underWay);
    if (!this.#isEnding) this.#on.sizes(await this.#writer.ask('endBuild', begun));
  }

  async #parts(segment: number): Promise<readonly BuildPart[]> {
    try {
      return await this.#builder.ask('makeBuild', segment);
    } catch (error) {
      if (!(error instanceof HistoryFailed)) throw error;
      this.#on.damaged(`the index of history stays behind: ${error.message}`);
      this.#isEnding = true;
      return [];
    }
  }

  #rest(forMs: number): Promise<void> {
    if (this.#isEnding) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#resting.delete(end);
        resolve();
      };
      const timer = setTimeout(end, forMs);
      timer.unref();
      this.#resting.add(end);
    });
  }
}

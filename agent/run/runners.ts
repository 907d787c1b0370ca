// Which kinds this node runs, found out truthfully at its start, and what runs each.
import type { Kind, Work } from '../../scheduler/protocol/work.ts';
import { runCommand } from './command.ts';
import { containerRunner, engineOf } from './container.ts';
import { type FunctionParts, FunctionRunner, hasHandlers } from './function/function.ts';
import { runHttp } from './http.ts';
import type { Runner } from './runner.ts';

export class Runners {
  readonly #function: FunctionRunner | undefined;
  readonly #byKind: ReadonlyMap<Kind, Runner<never>>;

  /** May block for some seconds where a container engine is installed and does not answer. */
  constructor(parts: FunctionParts) {
    this.#function = hasHandlers(parts.handlersFolder) ? new FunctionRunner(parts) : undefined;
    const engine = engineOf();
    this.#byKind = new Map<Kind, Runner<never>>([
      ['command', runCommand],
      ['http', runHttp],
      ...(this.#function ? [['function', this.#function.run] as const] : []),
      ...(engine ? [['container', containerRunner(engine)] as const] : []),
    ]);
  }

  get kinds(): Kind[] {
    return [...this.#byKind.keys()];
  }
  /** Undefined: this node does not offer the kind. */
  of(kind: Kind): Runner<Work> | undefined {
    // A dispatch is given to the runner of its own kind.
    return this.#byKind.get(kind) as Runner<Work> | undefined;
  }
  close(): void {
    this.#function?.close();
  }
}

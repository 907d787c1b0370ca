// One dispatch carried out: its environment, its process in the ledger, its output, its use, and its end with all that.
import { join } from 'node:path';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { mib, ms, type Token } from '../../scheduler/protocol/brands.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import type { Work } from '../../scheduler/protocol/work.ts';
import type { AttemptReports } from '../attemptExecutor.ts';
import type { Checkpoints } from '../checkpoints.ts';
import type { Door } from '../guard/door.ts';
import { type Environment, environmentOf } from '../handlers.ts';
import type { WriteLine } from '../logLine.ts';
import type { LogShipper } from '../logShipper.ts';
import { identify } from '../processTree.ts';
import type { ResultOutbox } from '../resultOutbox.ts';
import { UsageSampler } from '../usageSampler.ts';
import { Attempt } from './attempt.ts';
import { messageLengthMax, type RunEvents, type Runner } from './runner.ts';

export interface ExecutionParts {
  readonly nodeId: string;
  /** Holds a fresh folder per attempt that needs one. */
  readonly workFolder: string;
  readonly outbox: ResultOutbox;
  readonly logs: LogShipper;
  readonly door: Door;
  readonly checkpoints: Checkpoints;
  readonly reports: AttemptReports;
  readonly log: WriteLine;
}
export interface Order {
  readonly dispatch: Dispatch;
  readonly runner: Runner<Work>;
  /** Is given what can be stopped, as soon as there is something. */
  readonly hold: (attempt: Attempt) => void;
}

export class Execution {
  readonly #parts: ExecutionParts;
  readonly #sampler = new UsageSampler();

  constructor(parts: ExecutionParts) {
    this.#parts = parts;
  }

  /** Never rejects: what could not be prepared ends all the same. */
  async of(order: Order): Promise<AttemptEnd> {
    const { token, taskId } = order.dispatch;
    try {
      this.#parts.logs.open(token, taskId);
      return await this.#run(order);
    } catch (error) {
      const message = `it could not be prepared: ${(error as Error).message}`.slice(0, messageLengthMax);
      this.#parts.log('error', message, { token });
      return { reason: 'spawn_failed', message };
    } finally {
      this.#parts.logs.end(token);
      this.#parts.door.dismiss(token);
    }
  }

  async #run({ dispatch, runner, hold }: Order): Promise<AttemptEnd> {
    const { workFolder, checkpoints } = this.#parts;
    const { token } = dispatch;
    const env = this.#environment(dispatch);
    const seen: Seen = { group: undefined, hasCheckpoint: dispatch.work.kind === 'command' };
    const end = await new Promise<AttemptEnd>((resolve) => {
      const events = this.#events(token, seen);
      const freshFolder = join(workFolder, String(token));
      hold(new Attempt({ dispatch, env, freshFolder, runner }, { ...events, end: resolve }));
    });
    const ended = { ...end, ...this.#used(seen.group) };
    return seen.hasCheckpoint ? checkpoints.takeInto(token, ended) : ended;
  }

  #events(token: Token, seen: Seen): Omit<RunEvents, 'end'> {
    const { outbox, logs, reports, checkpoints, log } = this.#parts;
    return {
      started: (group) => {
        seen.group = group;
        if (group !== undefined) {
          try {
            outbox.recordProcess(token, identify(group));
          } catch (error) {
            // Costs knowledge after a crash, not the attempt.
            log('error', `ledger: ${(error as Error).message}`);
          }
          this.#sampler.watch(group);
        }
        reports.started(token);
      },
      output: logs.write.bind(logs, token),
      checkpoint: (text) => {
        seen.hasCheckpoint = true;
        checkpoints.keep(token, text);
      },
    };
  }

  /** What it may ask of the agent is a program's; handlers have the kit for that, and containers no way out. */
  #environment(dispatch: Dispatch): Environment {
    const { nodeId, door, checkpoints } = this.#parts;
    const own = environmentOf(dispatch, dispatch.work, { nodeId, own: process.env });
    if (dispatch.work.kind !== 'command') return own;
    return { ...own, ...door.admit(dispatch), ...checkpoints.admit(dispatch) };
  }

  #used(group: number | undefined): Pick<AttemptEnd, 'cpuMs' | 'memoryPeakMiB'> {
    const use = group === undefined ? undefined : this.#sampler.finish(group);
    return use ? { cpuMs: ms(use.cpuMs), memoryPeakMiB: mib(use.memoryPeakMiB) } : {};
  }
}

interface Seen {
  group: number | undefined;
  hasCheckpoint: boolean;
}

// What becomes of a dispatch: refused where an older hub sent it or it cannot be read, confirmed first where it has an
// offline limit, run.
import type { Epoch, Token } from '../scheduler/protocol/brands.ts';
import type { AttemptExecutor } from './attemptExecutor.ts';
import type { DispatchRead } from './hubMessages.ts';
import type { WriteLine } from './logLine.ts';
import { OfflineLeases } from './offlineLeases.ts';
import type { StillMine } from './stillMine.ts';

export interface DoorParts {
  readonly executor: AttemptExecutor;
  readonly stillMine: StillMine;
  readonly isJoined: () => boolean;
  readonly log: WriteLine;
}

export class DispatchDoor {
  readonly #parts: DoorParts;
  readonly leases: OfflineLeases;
  #epoch = 0 as Epoch;
  staleDispatches = 0;

  constructor(parts: DoorParts) {
    const { executor, stillMine, isJoined } = parts;
    this.#parts = parts;
    this.leases = new OfflineLeases({
      confirm: (token) => stillMine.ask(token),
      renewedAtMs: (token) => stillMine.renewedAtMs(token),
      now: () => stillMine.now(),
      isJoined,
      run: (dispatch) => {
        executor.run(dispatch);
      },
      stop: (tokens) => {
        executor.stop(tokens);
      },
      refuse: (dispatch, message) => {
        executor.refuse(dispatch, message);
      },
      leaseOver: (token, message, graceMs) => {
        parts.log('warn', `attempt ${message}`, { token });
        executor.leaseOver(token, message, graceMs);
      },
    });
  }

  welcomed(epoch: Epoch): void {
    if (epoch < this.#epoch)
      this.#parts.log('error', 'this hub is older than one already obeyed: its dispatches will be refused', {
        epoch,
        newest: this.#epoch,
      });
    this.#epoch = Math.max(this.#epoch, epoch) as Epoch;
  }

  run({ name, epoch, dispatch }: DispatchRead): void {
    const { executor } = this.#parts;
    if (epoch < this.#epoch) {
      this.staleDispatches += 1;
      executor.refuse(name, `stale epoch: the dispatch has ${epoch}, this agent obeys ${this.#epoch}`);
      return;
    }
    this.#epoch = epoch;
    if (!dispatch.ok) {
      executor.refuse(name, `this agent cannot read the work: ${dispatch.reason.message}`);
      return;
    }
    const { offlineLimitMs } = dispatch.value;
    if (offlineLimitMs === undefined) executor.run(dispatch.value);
    else void this.leases.begin(dispatch.value, offlineLimitMs);
  }

  revoke(tokens: readonly Token[]): void {
    for (const token of tokens) this.leases.ended(token);
    if (tokens.length > 0) this.#parts.executor.revoke(tokens);
  }
}

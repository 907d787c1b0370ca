// One life of the engine, turn by turn as scheduler/engine/embedded runs it, with the world's clock and disk: take what
// waits, decide, write, release only what is durable, and make a snapshot in parts meanwhile.
import type { Core, TurnResult } from '../../scheduler/core/cycle.ts';
import { CommandQueue, type Waiting } from '../../scheduler/engine/commandQueue.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { refusal, refused } from '../../scheduler/protocol/outcome.ts';
import type { Breakage } from './breakage.ts';
import type { Checks } from './checks.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHistory } from './fakeHistory.ts';
import type { Answer, FakeHub } from './fakeHub.ts';
import type { World } from './world.ts';

export interface EngineParts {
  readonly world: World;
  readonly core: Core;
  readonly disk: FakeDisk;
  readonly history: FakeHistory;
  readonly checks: Checks;
  readonly breakage: Breakage;
  readonly snapshotEvery: number;
  /** Longest pause between two steps of a snapshot. */
  readonly snapshotStepMs: number;
  /** Batches that may be on their way to the disk at a time. */
  readonly writesMost: number;
  readonly onFailed: () => void;
}
const tickMs = 500;
/** Small steps, so that turns go on between the parts of even a small plant. */
const snapshotPace = { partCharacters: 6_000, tasksPerStep: 7 };

export class FakeEngine {
  hub: FakeHub | undefined;
  readonly #parts: EngineParts;
  readonly #commands = new CommandQueue<Answer>();
  #isTurnQueued = false;
  #writes = 0;
  #written = 0;
  readonly #held: { readonly written: number; readonly run: () => void }[] = [];
  #isStopped = false;
  #stalledUntilMs = 0;
  #sinceSnapshot = 0;
  #isSnapshotUnderWay = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#tick();
  }

  get isWriting(): boolean {
    return this.#writes > 0;
  }
  get core(): Core {
    return this.#parts.core;
  }

  readonly execute = (command: Command, answer: (answer: Answer) => void): void => {
    if (this.#isStopped) return;
    if (this.#commands.add({ command, answer })) this.#wake();
    else answer(refused(refusal('queue_full', 'too many calls')));
  };

  /** The process stands still: a garbage collection, a suspended machine. */
  stall(forMs: number): void {
    this.#stalledUntilMs = this.#parts.world.nowMs + forMs;
  }
  /** The process is gone. Nobody is told. */
  stop(): void {
    this.#isStopped = true;
  }

  #tick(): void {
    this.#parts.world.after(tickMs, () => {
      if (this.#isStopped) return;
      this.#wake();
      this.#tick();
    });
  }

  #wake(): void {
    if (this.#isTurnQueued || this.#isStopped || this.#writes >= this.#parts.writesMost) return;
    if (this.#parts.breakage.ignoresHistoryRoom !== true && !this.#parts.history.hasRoom()) return;
    this.#isTurnQueued = true;
    this.#whenAwake(() => {
      this.#isTurnQueued = false;
      this.#turn();
    });
  }

  /** At the end of this moment, or of the stall. Never after the process is gone. */
  #whenAwake(run: () => void): void {
    this.#parts.world.after(this.#stalledUntilMs - this.#parts.world.nowMs, () => {
      if (this.#isStopped) return;
      if (this.#stalledUntilMs > this.#parts.world.nowMs) this.#whenAwake(run);
      else run();
    });
  }

  #turn(): void {
    const { core, world, checks, breakage, disk } = this.#parts;
    const waiting = this.#commands.take();
    const commands = waiting.map(({ command }) => breakage.changeCommand?.(core, command) ?? command);
    const result = core.turn(world.wallMs, commands);
    breakage.afterTurn?.(core);
    checks.turned(core, commands, result);
    const { batch } = result;
    if (!batch) {
      // Its answers may tell of what is still on its way to the disk.
      this.#onceWritten(() => {
        this.#release(waiting, result);
      });
      return;
    }
    if (breakage.releasesEarly === true) this.#releaseEffects(result);
    if (breakage.answersEarly === true) answerAll(waiting, result);
    this.#writes += 1;
    disk.append(
      batch,
      () => {
        this.#whenAwake(() => {
          this.#batchWritten(waiting, result);
        });
      },
      () => {
        this.#whenAwake(() => {
          this.#fail(waiting);
        });
      },
    );
  }

  #batchWritten(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
    this.#writes -= 1;
    this.#written += 1;
    this.#parts.checks.catchUp();
    this.#release(waiting, result);
    while ((this.#held[0]?.written ?? Infinity) <= this.#written) this.#held.shift()?.run();
    this.#snapshotIfDue();
  }

  #onceWritten(run: () => void): void {
    if (this.#writes === 0) run();
    else this.#held.push({ written: this.#written + this.#writes, run });
  }

  #release(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
    const { breakage, history } = this.#parts;
    if (breakage.releasesEarly !== true) this.#releaseEffects(result);
    if (breakage.answersEarly !== true) answerAll(waiting, result);
    if (result.batch) {
      const ended = result.effects.flatMap((effect) => (effect.kind === 'task_ended' ? [effect.record] : []));
      history.store(result.batch, ended);
      if (history.isTooFarBehind()) this.#parts.checks.report('history-room', 'the engine ran ahead of it');
    }
    if (result.hasMore || this.#commands.size > 0) this.#wake();
  }

  #releaseEffects({ effects }: TurnResult): void {
    for (const effect of effects)
      switch (effect.kind) {
        case 'dispatch':
          this.#parts.checks.dispatched(effect.dispatch);
          this.hub?.dispatch(effect.nodeId, effect.dispatch);
          break;
        case 'stop':
          this.hub?.stop(effect.nodeId, effect.token);
          break;
        case 'node_dropped':
          this.hub?.closeNode(effect.nodeId);
          break;
        case 'task_ended':
          break;
      }
    this.hub?.flush();
  }

  #fail(waiting: readonly Waiting<Answer>[]): void {
    const reason = refused(refusal('storage_failed', 'the journal could not be written'));
    this.#isStopped = true;
    for (const { answer } of [...waiting, ...this.#commands.take()]) answer(reason);
    this.#parts.onFailed();
  }

  #snapshotIfDue(): void {
    this.#sinceSnapshot += 1;
    if (this.#isSnapshotUnderWay || this.#sinceSnapshot < this.#parts.snapshotEvery) return;
    this.#sinceSnapshot = 0;
    this.#isSnapshotUnderWay = true;
    this.#onceHistoryHolds(0, () => {
      this.#beginSnapshot();
    });
  }

  #beginSnapshot(): void {
    const { core, disk, checks, world, breakage, snapshotStepMs } = this.#parts;
    const { sequence } = core.state;
    const stored = disk.shelf.begin(sequence);
    const digest = checks.snapshotBegun(core, this.#writes === 0);
    const snapshot = core.beginSnapshot(snapshotPace);
    const parts = snapshot.parts();
    const finish = (): void => {
      disk.shelf.finish(stored, () => {
        this.#isSnapshotUnderWay = false;
        checks.snapshotFinished(stored, digest);
      });
    };
    const step = (): void => {
      const next = parts.next();
      if (next.done !== true && next.value !== undefined) stored.parts.push(next.value);
      if (next.done !== true) world.after(world.between(0.1, snapshotStepMs), unlessStopped);
      // Rows before it may go once it counts: what ended in them must be in history by then.
      else if (breakage.snapshotsAheadOfHistory === true) finish();
      else this.#onceHistoryHolds(sequence, finish);
    };
    const unlessStopped = (): void => {
      if (this.#isStopped) snapshot.close();
      else this.#whenAwake(step);
    };
    unlessStopped();
  }

  #onceHistoryHolds(sequence: number, run: () => void): void {
    const { history, world } = this.#parts;
    if (this.#isStopped) return;
    if (history.committedSequence >= sequence && (sequence > 0 || history.holdsAll)) run();
    else
      world.after(tickMs / 5, () => {
        this.#onceHistoryHolds(sequence, run);
      });
  }
}

function answerAll(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
  for (const [at, { answer }] of waiting.entries()) {
    const outcome = result.answers[at];
    if (outcome) answer(outcome);
  }
}

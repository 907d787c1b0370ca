// One life of the engine, turn by turn as scheduler/engine/embedded runs it, with the world's clock and disk: take what
// waits, decide, write, and release only what is durable.
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
  readonly onFailed: () => void;
}
const tickMs = 500;

export class FakeEngine {
  hub: FakeHub | undefined;
  readonly #parts: EngineParts;
  readonly #commands = new CommandQueue<Answer>();
  #isTurnQueued = false;
  #isWriting = false;
  #isStopped = false;
  #stalledUntilMs = 0;
  #sinceSnapshot = 0;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    this.#tick();
  }

  get isWriting(): boolean {
    return this.#isWriting;
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
    if (this.#isTurnQueued || this.#isWriting || this.#isStopped) return;
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
      this.#release(waiting, result);
      return;
    }
    if (breakage.releasesEarly === true) this.#releaseEffects(result);
    if (breakage.answersEarly === true) answerAll(waiting, result);
    this.#isWriting = true;
    disk.append(
      batch,
      () => {
        this.#whenAwake(() => {
          this.#written(waiting, result);
        });
      },
      () => {
        this.#whenAwake(() => {
          this.#fail(waiting);
        });
      },
    );
  }

  #written(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
    this.#isWriting = false;
    this.#parts.checks.catchUp();
    this.#release(waiting, result);
    this.#snapshotIfDue();
  }

  #release(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
    const { breakage, history } = this.#parts;
    if (breakage.releasesEarly !== true) this.#releaseEffects(result);
    if (breakage.answersEarly !== true) answerAll(waiting, result);
    if (result.batch) {
      const ended = result.effects.flatMap((effect) => (effect.kind === 'task_ended' ? [effect.record] : []));
      history.store(result.batch.sequence, ended);
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
    const { core, disk, history, snapshotEvery, checks } = this.#parts;
    this.#sinceSnapshot += 1;
    if (this.#sinceSnapshot < snapshotEvery || history.committedSequence < core.state.sequence - 20) return;
    this.#sinceSnapshot = 0;
    checks.compareWithShadow(core);
    const { sequence } = core.state;
    const text = core.snapshot();
    const keepOnceStored = (): void => {
      if (this.#isStopped) return;
      if (history.committedSequence >= sequence) disk.snapshot(sequence, text);
      else this.#parts.world.after(tickMs, keepOnceStored);
    };
    keepOnceStored();
  }
}

function answerAll(waiting: readonly Waiting<Answer>[], result: TurnResult): void {
  for (const [at, { answer }] of waiting.entries()) {
    const outcome = result.answers[at];
    if (outcome) answer(outcome);
  }
}

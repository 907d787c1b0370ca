// The host over its lives: starts from the disk as scheduler/journal/recover does, opens the hub once its epoch is
// durable, crashes, and starts again.
import { Core } from '../../scheduler/core/cycle.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { refusal, refused } from '../../scheduler/protocol/outcome.ts';
import type { Breakage } from './breakage.ts';
import type { Checks } from './checks.ts';
import type { FakeDisk } from './fakeDisk.ts';
import { FakeEngine } from './fakeEngine.ts';
import type { FakeHistory } from './fakeHistory.ts';
import { type Answer, FakeHub } from './fakeHub.ts';
import type { FakeNetwork } from './fakeNetwork.ts';
import type { World } from './world.ts';

export interface HostParts {
  readonly world: World;
  readonly network: FakeNetwork;
  readonly disk: FakeDisk;
  readonly history: FakeHistory;
  readonly checks: Checks;
  readonly breakage: Breakage;
  readonly snapshotEvery: number;
}
interface Life {
  readonly engine: FakeEngine;
  readonly hub: FakeHub;
  isOpen: boolean;
}
const seedMax = 2 ** 32;

export class FakeHost {
  readonly counts = { starts: 0, crashes: 0, replayed: 0 };
  readonly #parts: HostParts;
  #life: Life | undefined;

  constructor(parts: HostParts) {
    this.#parts = parts;
  }

  /** The running core, once its hub is open. */
  get core(): Core | undefined {
    return this.#life?.isOpen === true ? this.#life.engine.core : undefined;
  }

  /** Memory is ahead of the disk. */
  get isWriting(): boolean {
    return this.#life?.engine.isWriting ?? true;
  }

  /** What people and programs call. Refused while there is nobody to take it. */
  readonly execute = (command: Command, answer: (answer: Answer) => void): void => {
    if (this.#life?.isOpen === true) this.#life.engine.execute(command, answer);
    else answer(refused(refusal('recovering', 'the scheduler starts')));
  };

  start(): void {
    const { world, network, disk, history, checks, breakage, snapshotEvery } = this.#parts;
    this.counts.starts += 1;
    const { snapshot, batches } = disk.recover();
    checks.catchUp();
    const core = new Core(breakage.policy, snapshot?.text);
    breakage.changeCore?.(core);
    for (const batch of batches) {
      history.store(batch.sequence, core.replay(breakage.changeReplay?.(batch) ?? batch));
      this.counts.replayed += 1;
    }
    checks.recovered(core, history);
    const onFailed = (): void => {
      this.crash(world.between(2_000, 8_000));
    };
    const engine = new FakeEngine({ world, core, disk, history, checks, breakage, snapshotEvery, onFailed });
    const hub = new FakeHub({
      network,
      execute: engine.execute,
      isEnrolled: (nodeId) => core.state.nodeKeys.has(nodeId),
      onResultsAcked: (tokens) => {
        checks.resultsAcked(tokens);
      },
      acksEarly: breakage.acksEarly === true,
    });
    engine.hub = hub;
    const life: Life = { engine, hub, isOpen: false };
    this.#life = life;
    const seed = world.whole(0, seedMax - 1);
    engine.execute({ kind: 'StartEpoch', seed: breakage.changeSeed?.(seed) ?? seed }, (answer) => {
      if (!answer.ok) return;
      life.isOpen = true;
      network.host = hub;
    });
  }

  /** Power cut or kill. Comes back after a while. */
  crash(downMs: number): void {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    this.counts.crashes += 1;
    life.engine.stop();
    life.hub.abandon();
    this.#parts.disk.crash();
    this.#parts.history.crash();
    this.#parts.world.after(downMs, () => {
      this.start();
    });
  }

  stall(forMs: number): void {
    this.#life?.engine.stall(forMs);
    this.#parts.checks.stalled(forMs);
  }
}

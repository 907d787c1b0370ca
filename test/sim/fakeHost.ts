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
import { repair } from './repair.ts';
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
  readonly snapshotStepMs: number;
  readonly writesMost: number;
}
interface Life {
  readonly engine: FakeEngine;
  readonly hub: FakeHub;
  isOpen: boolean;
}
const seedMax = 2 ** 32;

export class FakeHost {
  readonly counts = { starts: 0, crashes: 0, replayed: 0, repairs: 0, batchesLost: 0, overflows: 0 };
  /** Dispatches that one node may have unconfirmed. */
  outboxMax = Infinity;
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
    const { world, network, checks, breakage } = this.#parts;
    this.counts.starts += 1;
    const core = this.#recovered();
    const onFailed = (): void => {
      this.crash(world.between(2_000, 8_000));
    };
    const engine = new FakeEngine({ ...this.#parts, core, onFailed });
    const hub = new FakeHub({
      network,
      execute: engine.execute,
      isEnrolled: (nodeId) => core.state.nodeKeys.has(nodeId),
      onResultsAcked: checks.resultsAcked,
      onLateResults: checks.results.cameLate,
      outboxMax: () => this.outboxMax,
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

  /** From the newest snapshot that can be read, and the rows after it. */
  #recovered(): Core {
    const { disk, history, checks, breakage } = this.#parts;
    const { snapshot, batches } = disk.recover();
    checks.catchUp();
    try {
      const options = { policy: breakage.policy };
      const core = snapshot ? Core.restored(snapshot.parts, options) : new Core(options);
      breakage.changeCore?.(core);
      for (const batch of batches) {
        history.store(batch, core.replay(breakage.changeReplay?.(batch) ?? batch));
        this.counts.replayed += 1;
      }
      checks.recovered(core, history);
      return core;
    } catch (error) {
      checks.report('replay-digest', `the journal cannot be replayed: ${String(error)}`);
      throw error;
    }
  }

  /** Power cut or kill. Comes back after a while, on an older copy of its journal where somebody put that there. */
  crash(downMs: number, batchesLost = 0): void {
    const life = this.#life;
    if (!life) return;
    this.#life = undefined;
    this.counts.crashes += 1;
    life.engine.stop();
    life.hub.abandon();
    this.counts.overflows += life.hub.overflows;
    const { disk, history, world } = this.#parts;
    disk.crash();
    history.crash();
    world.after(downMs, () => {
      if (batchesLost > 0) this.#restoreOlder(batchesLost);
      this.start();
    });
  }

  #restoreOlder(batches: number): void {
    const { disk, history, checks, breakage } = this.#parts;
    disk.recover();
    checks.catchUp();
    const lost = disk.restoreOlder(batches);
    this.counts.batchesLost += lost.length;
    this.counts.repairs += 1;
    checks.restoredOlder(lost);
    repair(disk, history, breakage.changeRepair);
  }

  stall(forMs: number): void {
    this.#life?.engine.stall(forMs);
    this.#parts.checks.stalled(forMs);
  }
}

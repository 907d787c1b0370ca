// Lets the faults of a plan happen, and mends everything at the end.
import { type Fault, type FaultKind, type HostFaultKind, isHostFault } from './plan.ts';
import { pause } from './hostUnderTest.ts';
import type { Load } from './load.ts';
import type { Plant } from './plant.ts';

const hourMs = 3_600_000;
/** Large tasks submitted to a disk that is full, so that it has to say so. */
const fillingTasks = 40;
const fillingMs = 50;

export interface FaultSetting {
  readonly plant: Plant;
  readonly load: Load;
  /** A large task that ends at once. */
  readonly addLargeTask: () => void;
  /** Ids that an operator may put back: those whose work may run twice. */
  readonly mayRunAgain: (taskId: number) => boolean;
  /** For a rig that must fail: see the mutants. */
  readonly spoilLedger?: ((ledgerFile: string) => void) | undefined;
}

export class FaultRunner {
  /** Those that happened. */
  readonly counts = new Map<FaultKind, number>();
  readonly #setting: FaultSetting;
  readonly #clocks = new Map<number | 'host', number>();

  constructor(setting: FaultSetting) {
    this.#setting = setting;
  }

  /** Resolves when the last fault has passed. */
  async run(faults: readonly Fault[], startedMs: number): Promise<void> {
    await Promise.all(
      faults.map(async (fault) => {
        await pause(Math.max(0, fault.atMs - (performance.now() - startedMs)));
        this.counts.set(fault.kind, (this.counts.get(fault.kind) ?? 0) + 1);
        await this.#happen(fault);
      }),
    );
    await this.#mend();
  }

  #happen(fault: Fault): Promise<unknown> {
    if (isOfHost(fault)) return this.#hostFault(fault);
    if (fault.kind === 'clock_jump') return this.#jump(fault.whose, fault.hours);
    if (fault.kind === 'tasks_cancelled' || fault.kind === 'dead_letters_requeued')
      return this.#operatorAct(fault);
    return this.#agentFault(fault);
  }

  async #hostFault(fault: HostFault): Promise<void> {
    const { host } = this.#setting.plant;
    switch (fault.kind) {
      case 'host_killed':
        return host.kill(fault.moment, fault.downMs);
      case 'host_power_cut':
        return host.kill(fault.moment, fault.downMs, fault.cut);
      case 'host_stopped':
        return host.standStill(fault.forMs);
      case 'disk_full':
        return host.whileDiskFails(() => this.#fillDisk(fault.forMs));
      case 'write_error':
        return host.whileDiskFails(async () => {
          host.order({ kind: 'fail', isAfterWrite: fault.isAfterWrite });
          await pause(diskFaultMs);
          host.withdrawOrder();
        });
      case 'slow_disk':
        host.order({ kind: 'stall', forMs: fault.stallMs });
        return pause(fault.stallMs);
    }
  }

  async #agentFault(fault: AgentFault): Promise<void> {
    const { agents, door } = this.#setting.plant;
    const agent = agents[fault.agent];
    if (!agent) return;
    switch (fault.kind) {
      case 'agent_killed':
        return agent.kill(fault.moment, fault.downMs);
      case 'agent_power_cut':
        return agent.cutPower(fault, this.#setting.spoilLedger);
      case 'agent_disk_full':
        return agent.fillDisk(fault.forMs);
      case 'agent_stopped':
        return agent.standStill(fault.forMs);
      case 'connection_cut':
        agent.line.cut();
        return;
      case 'half_open':
        agent.line.fallSilent(fault.direction);
        await pause(fault.forMs);
        if (fault.endsWithReset) agent.line.cut();
        agent.line.speak();
        return;
      case 'node_cordoned':
        await door.setCordon(agent.name, true);
        await pause(fault.forMs);
        await door.setCordon(agent.name, false);
    }
  }

  async #operatorAct(
    fault: Extract<Fault, { kind: 'tasks_cancelled' | 'dead_letters_requeued' }>,
  ): Promise<void> {
    const { plant, load, mayRunAgain } = this.#setting;
    if (fault.kind === 'tasks_cancelled') {
      const newest = [...load.acknowledged.values()].slice(-fault.count);
      if (newest.length > 0) await plant.door.cancel(newest);
      return;
    }
    const page = await plant.door.deadLetters();
    const taskIds = (page?.rows ?? []).map(({ taskId }) => taskId).filter(mayRunAgain);
    if (taskIds.length > 0) await plant.door.requeue(taskIds);
  }

  async #fillDisk(forMs: number): Promise<void> {
    const { plant, addLargeTask } = this.#setting;
    const { host, disk } = plant;
    if (disk) disk.fill();
    else host.order({ kind: 'full' });
    for (let added = 0; added < fillingTasks && host.isUp; added += 1) {
      addLargeTask();
      await pause(fillingMs);
    }
    await pause(forMs);
    disk?.free();
    host.withdrawOrder();
    // A start that began on the full disk may still fail.
    await pause(diskFaultMs);
  }

  #jump(whose: number | 'host', hours: number): Promise<void> {
    const offsetMs = (this.#clocks.get(whose) ?? 0) + hours * hourMs;
    this.#clocks.set(whose, offsetMs);
    const { host, agents } = this.#setting.plant;
    if (whose === 'host') host.setClock(offsetMs);
    else agents[whose]?.setClock(offsetMs);
    return Promise.resolve();
  }

  /** Lines open, nobody cordoned; processes and disk were mended by their faults. */
  async #mend(): Promise<void> {
    const { agents, door, host } = this.#setting.plant;
    host.withdrawOrder();
    for (const { line } of agents) line.speak();
    await host.start();
    for (const { name } of agents) await uncordon(door, name);
  }
}

type HostFault = Extract<Fault, { kind: HostFaultKind }>;
const isOfHost = (fault: Fault): fault is HostFault => isHostFault(fault.kind);
type AgentFault = Extract<Fault, { agent: number }>;

/** Within this the host has noticed that its disk failed, has ended, and was started again. */
const diskFaultMs = 3_000;

async function uncordon(door: Plant['door'], name: string): Promise<void> {
  for (let tries = 0; tries < uncordonTries; tries += 1) {
    if ((await door.setCordon(name, false)) !== undefined) return;
    await pause(uncordonAgainMs);
  }
}
const uncordonTries = 50;
const uncordonAgainMs = 100;

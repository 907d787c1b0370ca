// Faults of agents: killed, without power, full disks, wrong clocks, slow, away, forgotten, and back as another machine.
import { mib, millicores } from '../../scheduler/protocol/brands.ts';
import type { NodeSpec } from '../../scheduler/protocol/node.ts';
import type { FakeAgent } from './fakeAgent.ts';
import type { FaultParts, Strikes } from './faults.ts';
import { jumpsMs } from './hostStrikes.ts';
import type { World } from './world.ts';

export function agentStrikes({ world, network, agents, operator }: FaultParts): Strikes {
  const crash = (agent: FakeAgent, how: 'killed' | 'powerCut', downMs: number): void => {
    if (!agent.isUp) return;
    // A killed process closes its sockets; a machine without power does not.
    if (agent.connection && (how === 'powerCut' || world.chance(0.5)))
      network.silence(agent.connection, Infinity);
    agent.crash(how);
    world.after(downMs, () => {
      agent.start();
    });
  };
  return {
    agentCrash: () => {
      crash(world.pick(agents), 'killed', world.pick([200, 3_000, 25_000, 60_000]));
    },
    agentPowerCut: () => {
      crash(world.pick(agents), 'powerCut', world.pick([1_000, 5_000, 25_000]));
    },
    agentDiskFull: () => {
      const { ledger } = world.pick(agents);
      ledger.isFull = true;
      world.after(world.between(3_000, 30_000), () => {
        ledger.isFull = false;
      });
    },
    agentClockJump: () => {
      world.pick(agents).clockOffsetMs += world.pick(jumpsMs);
    },
    agentAway: () => {
      world.pick(agents).away(world.pick([10_000, 30_000, 120_000, 600_000]));
    },
    agentChanged: () => {
      const agent = world.pick(agents);
      if (!agent.isUp) return;
      agent.spec = changed(agent.spec, world);
      crash(agent, 'killed', world.pick([200, 3_000]));
    },
    nodeForgotten: () => {
      const agent = world.pick(agents);
      crash(agent, 'killed', 60_000);
      for (const delayMs of [20_000, 30_000, 45_000])
        world.after(delayMs, () => {
          if (!agent.isUp) operator.forget(agent.nodeId);
        });
    },
    slowNode: () => {
      const agent = world.pick(agents);
      agent.slowness = world.pick([3, 10]);
      world.after(world.between(5_000, 40_000), () => {
        agent.slowness = 1;
      });
    },
  };
}

/** Less of everything, or another kind of machine. */
function changed(spec: NodeSpec, world: World): NodeSpec {
  const { cpu, memory, gpuDevices, slots } = spec.resources;
  const share = world.pick([0, 0.2, 0.6]);
  const less = (amount: number): number => Math.floor(amount * share);
  const smaller: NodeSpec = {
    ...spec,
    resources: {
      cpu: millicores(less(cpu)),
      memory: mib(less(memory)),
      gpuDevices: less(gpuDevices),
      slots: Math.max(1, less(slots)),
      custom: {},
    },
  };
  return world.pick([
    smaller,
    { ...spec, labels: { arch: 'other' } },
    { ...spec, kinds: ['command'] as const },
    { ...smaller, taints: ['maintenance'] },
  ]);
}

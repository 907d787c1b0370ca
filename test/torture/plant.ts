// The plant of one trial: host, agents behind their lines, the door for programs, and a disk where the plan needs one.
import { join } from 'node:path';
import { AgentUnderTest } from './agentUnderTest.ts';
import { smallDiskAt, type SmallDisk } from './disk.ts';
import { Door } from './door.ts';
import { HostUnderTest } from './hostUnderTest.ts';
import { type Plan, queues } from './plan.ts';
import type { Losses } from './powerCut.ts';
import { tailOf } from './program.ts';
import { enrolmentToken } from '../enrolmentToken.ts';

export interface Plant {
  readonly host: HostUnderTest;
  readonly agents: readonly AgentUnderTest[];
  readonly door: Door;
  readonly disk: SmallDisk | undefined;
  readonly losses: Losses;
}

/** Generous: others use the processors too. */
const joinWithinMs = 30_000;

export async function openPlant(
  plan: Plan,
  folder: string,
  onViolation: (what: string) => void,
): Promise<Plant> {
  const { scale } = plan;
  const disk = plan.needsSmallDisk ? smallDiskAt(join(folder, 'host')) : undefined;
  const door = new Door();
  const agents: AgentUnderTest[] = [];
  const losses: Losses = { journal: 0, history: 0, ledger: 0 };
  let port: number | undefined;
  const host = new HostUnderTest({
    folder,
    scale,
    losses,
    onViolation,
    onAddress: (address) => {
      door.leadTo(address, host.dataFolder);
      port = address === undefined ? undefined : Number(new URL(address).port);
      for (const { line } of agents) line.leadTo(port);
    },
  });
  await host.start();
  // No fault has happened yet: there is nothing to try.
  if (!host.isUp) throw new Error(`the host does not start at all: ${tailOf(host.rigFolder)}`);
  const enrolToken = await enrolmentToken(`http://127.0.0.1:${port}`, host.dataFolder);
  for (let at = 0; at < plan.agents; at += 1) {
    const name = `node-${at}`;
    const options = { folder, name, scale, enrolToken, losses, onViolation };
    const agent = await AgentUnderTest.open(options);
    agent.line.leadTo(port);
    agent.start();
    agents.push(agent);
  }
  for (const agent of agents)
    if (!(await agent.hasJoined(joinWithinMs))) onViolation(`agent ${agent.name} did not join`);
  for (const [at, queue] of queues.entries()) await door.putQueue(queue, at + 1);
  return { host, agents, door, disk, losses };
}

/** `keepsFiles`: for somebody who looks for the cause. */
export async function closePlant({ host, agents, disk }: Plant, keepsFiles: boolean): Promise<void> {
  await host.killForGood();
  await Promise.all(agents.map((agent) => agent.killForGood()));
  disk?.remove(keepsFiles);
}

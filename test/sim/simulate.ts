// One seed from start to end: a plant, its work, its faults, then quiet, then the account.
import type { Breakage } from './breakage.ts';
import { whole } from './breakage.ts';
import { Checks, type Violation } from './checks.ts';
import { FakeAgent } from './fakeAgent.ts';
import { FakeDisk } from './fakeDisk.ts';
import { FakeHistory } from './fakeHistory.ts';
import { FakeHost } from './fakeHost.ts';
import { FakeNetwork } from './fakeNetwork.ts';
import { Faults } from './faults.ts';
import { type Plan, planOf } from './load.ts';
import { Operator } from './operator.ts';
import { World } from './world.ts';

export interface SimResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  /** Of the state at the end. */
  readonly digest: string;
  /** Of everything that happened on the way. */
  readonly traceHash: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly disk: FakeDisk;
}
/** After the faults, all work is done within this. */
const quietMostMs = 20 * 60_000;

export function simulate(seed: number, breakage: Breakage = whole): SimResult {
  const world = new World(seed);
  const plan = planOf(world);
  const disk = new FakeDisk(world);
  disk.isLying = breakage.diskLies === true;
  const network = new FakeNetwork(world);
  const history = new FakeHistory(world);
  const checks = new Checks(world, disk);
  const snapshotEvery = world.pick([20, 100, 400]);
  const host = new FakeHost({ world, network, disk, history, checks, breakage, snapshotEvery });
  const agents = agentsOf(plan, { world, network, checks, breakage });
  const operator = new Operator({ world, host, history, checks, plan });
  const faults = new Faults({ world, network, disk, host, operator, agents, leases: checks.leases });
  let digest = '';
  try {
    host.start();
    for (const agent of agents) agent.start();
    const faultyMs = world.between(30_000, 150_000);
    operator.begin(faultyMs * world.pick([0.2, 0.9]));
    faults.begin();
    const isOver = (): boolean => checks.isOver(breakage.lookFor);
    world.runUntil(faultyMs, isOver);
    faults.end();
    if (!isOver()) world.runUntil(world.nowMs + quietMostMs, () => isOver() || isQuiet(host, operator));
    if (!isOver()) digest = checks.finish(host.core, history);
  } catch (error) {
    checks.report('threw', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return {
    seed,
    violations: checks.violations,
    digest,
    traceHash: world.traceHash,
    figures: figuresOf({ world, host, checks, operator, faults, disk }),
    disk,
  };
}

function agentsOf(
  plan: Plan,
  parts: { world: World; network: FakeNetwork; checks: Checks; breakage: Breakage },
): FakeAgent[] {
  const { world, network, checks, breakage } = parts;
  const flakyShare = world.pick([0, 0.05, 0.2]);
  return plan.nodes.map(({ nodeId, spec }) => {
    const agent = new FakeAgent({
      world,
      network,
      nodeId,
      spec,
      flakyShare,
      onRun: (token, taskId) => {
        checks.ran(token, taskId, nodeId);
      },
      runsTwice: breakage.runsTwice === true,
      forgetsHeld: breakage.forgetsHeld === true,
    });
    checks.agents.set(nodeId, agent);
    return agent;
  });
}

/** Nothing lives, nobody waits, and no result is on its way. */
function isQuiet(host: FakeHost, operator: Operator): boolean {
  return host.core !== undefined && host.core.state.tasks.size === 0 && operator.isIdle && !host.isWriting;
}

function figuresOf(parts: {
  world: World;
  host: FakeHost;
  checks: Checks;
  operator: Operator;
  faults: Faults;
  disk: FakeDisk;
}): Record<string, number> {
  const { world, host, checks, operator, faults, disk } = parts;
  const { lost, torn, keptUnheard, full, snapshots } = disk.counts;
  return {
    tasks: checks.audit.tasks.size,
    attempts: checks.audit.placed.size,
    runs: checks.counts.runs,
    simulatedS: Math.round(world.nowMs / 1_000),
    steps: world.events,
    turns: checks.counts.turns,
    batches: disk.batchesAfter(0).length,
    hostCrashes: host.counts.crashes,
    agentCrashes: faults.counts.agentCrash ?? 0,
    ...{ tailsLost: lost, tailsTorn: torn, tailsKept: keptUnheard, writesRefused: full, snapshots },
    cancels: operator.counts.cancels,
    unanswered: operator.counts.unanswered,
    ...Object.fromEntries(Object.entries(faults.counts).map(([kind, count]) => [`fault.${kind}`, count])),
  };
}

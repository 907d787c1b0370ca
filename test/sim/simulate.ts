// One seed from start to end: a plant, its work, its faults, then quiet, then the account.
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { Breakage } from './breakage.ts';
import { whole } from './breakage.ts';
import { Checks, type Violation } from './checks.ts';
import { FakeAgent } from './fakeAgent.ts';
import { FakeDisk } from './fakeDisk.ts';
import { FakeHistory, writesAtATimeMost } from './fakeHistory.ts';
import { FakeHost } from './fakeHost.ts';
import { FakeNetwork } from './fakeNetwork.ts';
import { GuardedEffects } from './guardedEffects.ts';
import { Faults } from './faults.ts';
import { loadKindOf } from './crowdLoad.ts';
import { planOf } from './load.ts';
import type { Plan } from './plan.ts';
import { Operator } from './operator.ts';
import { ScheduleLoad } from './scheduleLoad.ts';
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
/** Of the time with faults, in which all is submitted where much has to wait. */
const earlyShare = 0.1;
/** After the faults, all work is done within this. */
const quietMostMs = 20 * 60_000;

/** `isRepeat`: of a run that showed nothing; it is looked at only for being the same. */
export function simulate(seed: number, breakage: Breakage = whole, isRepeat = false): SimResult {
  const world = new World(seed);
  const plan = planOf(world, breakage.load ?? loadKindOf(seed));
  const disk = new FakeDisk(world);
  disk.isLying = breakage.diskLies === true;
  disk.areErrorsIgnored = breakage.diskErrorsIgnored === true;
  disk.shelf.readsUnfinished = breakage.readsUnfinished === true;
  const network = new FakeNetwork(world);
  const history = new FakeHistory(world);
  const checks = new Checks(world, disk, isRepeat);
  const snapshotEvery = world.pick([20, 100, 400]);
  const writesMost = world.pick([1, 1, 1, writesAtATimeMost]);
  const pace = { snapshotEvery, snapshotStepMs: world.pick([2, 40, 200]), writesMost };
  const host = new FakeHost({ world, network, disk, history, checks, breakage, ...pace });
  const agents = agentsOf(plan, { world, network, checks, breakage });
  const operator = new Operator({ world, host, history, checks, plan });
  const schedules = new ScheduleLoad(seed, { world, host, plan });
  const faults = new Faults({
    world,
    network,
    disk,
    history,
    host,
    operator,
    agents,
    leases: checks.leases,
    needs: breakage.needs ?? [],
    isCalm: breakage.isCalm === true,
  });
  let digest = '';
  try {
    host.start();
    for (const agent of agents) agent.start();
    const faultyMs = world.between(30_000, 150_000);
    operator.begin(faultyMs * shareOfSubmits(plan, world));
    faults.begin();
    const isOver = (): boolean => checks.isOver(breakage.lookFor);
    world.runUntil(faultyMs, isOver);
    faults.end();
    schedules.end();
    const endMs = Math.max(world.nowMs, world.awayUntilMs) + quietMostMs;
    if (!isOver())
      world.runUntil(endMs, () => isOver() || (schedules.isQuiet && isQuiet(host, operator, agents)));
    if (!isOver()) checkLeft({ host, operator, schedules, checks });
    if (!isOver()) digest = checks.finish(host.core, history);
  } catch (error) {
    checks.report('threw', error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  return {
    seed,
    violations: checks.violations,
    digest,
    traceHash: world.traceHash,
    figures: figuresOf({ world, host, checks, operator, faults, disk, history, agents }),
    disk,
  };
}

/** Nodes that are slow until faults end: their work is copied. */
const slowTimes = 12;

function agentsOf(
  plan: Plan,
  parts: { world: World; network: FakeNetwork; checks: Checks; breakage: Breakage },
): FakeAgent[] {
  const { world, network, checks, breakage } = parts;
  const flakyShare = world.pick([0, 0.05, 0.2]);
  /** Nodes that fail all they run. */
  const badShare = world.pick([0, 0, 0.1, 0.3]);
  const slowShare = world.pick([0, 0, 0.2]);
  const poisonShare = world.pick([0, 0.01, 0.03]);
  const poison = new Map<TaskId, number | undefined>();
  const effects = new GuardedEffects(checks.effects, breakage.effectsUnguarded === true);
  return plan.nodes.map(({ nodeId, spec }) => {
    const agent = new FakeAgent({
      world,
      network,
      nodeId,
      spec,
      flakyShare: world.chance(badShare) ? 1 : flakyShare,
      poisonAfterMs: (taskId) => {
        if (!poison.has(taskId))
          poison.set(taskId, world.chance(poisonShare) ? world.between(10, 2_000) : undefined);
        return poison.get(taskId);
      },
      onRun: (token, taskId) => {
        checks.ran(token, taskId, nodeId);
      },
      onStaleEpoch: (token) => {
        checks.report('epoch', `${nodeId} took token ${String(token)} for one of an older life of the host`);
      },
      effects,
      breakage,
    });
    if (world.chance(slowShare)) agent.slowness = slowTimes;
    checks.agents.set(nodeId, agent);
    return agent;
  });
}

const shareOfSubmits = ({ kind }: Plan, world: World): number =>
  kind === 'mixed' ? world.pick([0.2, 0.9]) : earlyShare;

/** What has to be over by now beside tasks. */
function checkLeft(parts: {
  host: FakeHost;
  operator: Operator;
  schedules: ScheduleLoad;
  checks: Checks;
}): void {
  const { host, operator, schedules, checks } = parts;
  if (!schedules.isQuiet) checks.report('not-ended', 'a schedule has not told all that was due');
  if (host.core && !operator.modes.isDone(host.core))
    checks.report('drain', `queue ${String(operator.modes.drained)} was drained and is still there`);
}

/** Nothing lives, nobody waits, no result is on its way, and every agent is back. */
function isQuiet(host: FakeHost, operator: Operator, agents: readonly FakeAgent[]): boolean {
  return (
    host.core?.state.tasks.size === 0 &&
    host.core.state.arrays.size === 0 &&
    operator.modes.isDone(host.core) &&
    operator.isIdle &&
    !host.isWriting &&
    agents.every(({ isSettled }) => isSettled)
  );
}

function figuresOf(parts: {
  world: World;
  host: FakeHost;
  checks: Checks;
  operator: Operator;
  faults: Faults;
  disk: FakeDisk;
  history: FakeHistory;
  agents: readonly FakeAgent[];
}): Record<string, number> {
  const { world, host, checks, operator, faults, disk, history, agents } = parts;
  const { lost, torn, keptUnheard, lostSeveral, full, broken } = disk.counts;
  const sum = (of: (agent: FakeAgent) => number): number =>
    agents.reduce((total, agent) => total + of(agent), 0);
  return {
    tasks: checks.audit.tasks.size,
    attempts: checks.audit.placed.size,
    runs: checks.counts.runs,
    effects: checks.effects.counts.performed,
    effectsFenced: checks.effects.counts.fenced,
    simulatedS: Math.round(world.nowMs / 1_000),
    steps: world.events,
    turns: checks.counts.turns,
    batches: disk.lastSequence,
    hostCrashes: host.counts.crashes,
    agentCrashes: faults.counts['agentCrash'] ?? 0,
    ...{ tailsLost: lost, tailsTorn: torn, tailsKept: keptUnheard, tailsOfSeveral: lostSeveral },
    ...{ writesRefused: full, writesBroken: broken },
    ...disk.shelf.counts,
    ...{ historyTailsLost: history.counts.lostTails, historyWaits: history.counts.waits },
    ...{
      repairs: host.counts.repairs,
      batchesLost: host.counts.batchesLost,
      overflows: host.counts.overflows,
    },
    agentRecordsLost: sum(({ ledger }) => ledger.counts.lostRecords),
    agentResultsLost: sum(({ ledger }) => ledger.counts.lostResults),
    copies: checks.copies.counts.copies,
    overtaken: checks.copies.counts.overtaken,
    nodesSetAside: checks.blame.counts.setAside,
    poisoned: checks.blame.counts.poisoned,
    ...checks.queues.counts,
    nodesForgotten: operator.counts.forgotten,
    cancels: operator.counts.cancels,
    unanswered: operator.counts.unanswered,
    ...Object.fromEntries(Object.entries(faults.counts).map(([kind, count]) => [`fault.${kind}`, count])),
  };
}

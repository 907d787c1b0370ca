// What is checked while a world runs and once it is quiet: invariants after each turn, promises at each answer and after
// each crash, and at the end that everything ended once and that the journal tells the same story.
import { Core, type TurnResult } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import { JournalAudit } from './audit.ts';
import type { FakeAgent } from './fakeAgent.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHistory } from './fakeHistory.ts';
import { LeaseWatch } from './leaseWatch.ts';
import { ShareWatch } from './shareWatch.ts';
import type { World } from './world.ts';

export interface Violation {
  readonly check: string;
  readonly message: string;
  readonly atMs: number;
}
const violationsPerCheckMax = 5;

export class Checks {
  readonly violations: Violation[] = [];
  readonly agents = new Map<NodeId, FakeAgent>();
  readonly counts = { turns: 0, runs: 0 };
  readonly audit: JournalAudit;
  readonly leases: LeaseWatch;
  readonly #shares: ShareWatch;
  readonly #world: World;
  readonly #disk: FakeDisk;
  /** Replays the journal from its first batch, as it grows. */
  readonly #shadow = new Core();
  readonly #runs = new Map<Token, TaskId>();
  readonly #keyed = new Map<string, TaskId>();
  readonly #submitted = new Set<TaskId>();
  readonly #acked = new Set<Token>();

  constructor(world: World, disk: FakeDisk) {
    this.#world = world;
    this.#disk = disk;
    this.audit = new JournalAudit(this.report, (nodeId) => this.agents.get(nodeId)?.ledger);
    this.leases = new LeaseWatch(world, this.report);
    this.#shares = new ShareWatch(this.report);
  }

  /** Enough is known: a violation, or the one that a broken build is expected to show. */
  isOver(lookFor: string | undefined): boolean {
    if (lookFor === undefined) return this.violations.length > 0;
    return this.violations.some(({ check }) => check === lookFor);
  }

  readonly report = (check: string, message: string): void => {
    if (this.violations.filter((other) => other.check === check).length < violationsPerCheckMax)
      this.violations.push({ check, message, atMs: Math.round(this.#world.nowMs) });
  };

  turned(core: Core, commands: readonly Command[], result: TurnResult): void {
    this.counts.turns += 1;
    for (const broken of brokenInvariants(core.state)) this.report('invariant', broken);
    this.leases.turned(core, commands, result);
    this.#shares.turned(core, result);
  }
  stalled(forMs: number): void {
    this.leases.stalled(forMs);
  }

  /** Reads what has become durable. */
  catchUp(): void {
    for (const batch of this.#disk.batchesAfter(this.#shadow.state.sequence)) {
      this.audit.take(batch);
      this.#shadow.replay(batch);
    }
  }

  dispatched({ token }: Dispatch): void {
    if (!this.audit.placed.has(token))
      this.report('released-early', `token ${String(token)} was dispatched before it was durable`);
  }
  ran(token: Token, taskId: TaskId, nodeId: NodeId): void {
    this.counts.runs += 1;
    if (this.#runs.has(token)) this.report('ran-twice', `token ${String(token)} ran again on ${nodeId}`);
    this.#runs.set(token, taskId);
  }
  submitAnswered(taskId: TaskId, key: string | undefined): void {
    this.#submitted.add(taskId);
    if (!this.audit.tasks.has(taskId))
      this.report('durable-submit', `task ${String(taskId)} was promised before it was durable`);
    if (key === undefined) return;
    const first = this.#keyed.get(key) ?? taskId;
    this.#keyed.set(key, first);
    if (first !== taskId)
      this.report('key', `key ${key} was answered with ${String(first)} and then ${String(taskId)}`);
  }
  resultsAcked(tokens: readonly Token[]): void {
    for (const token of tokens) {
      this.#acked.add(token);
      if (this.audit.isLive(token))
        this.report('durable-result', `result of ${String(token)} was acknowledged before it was durable`);
    }
  }

  /** After a start: nothing promised may be missing. */
  recovered(core: Core, history: FakeHistory): void {
    this.compareWithShadow(core);
    for (const taskId of this.#submitted)
      if (!core.state.tasks.get(taskId) && history.endsOf(taskId).length === 0)
        this.report('durable-submit', `task ${String(taskId)} was promised and is gone`);
    for (const token of this.#acked)
      if (core.state.tasks.byToken(token))
        this.report('durable-result', `result of ${String(token)} was acknowledged and is needed again`);
  }

  compareWithShadow(core: Core): void {
    if (core.digest() !== this.#shadow.digest())
      this.report('replay-digest', `memory and journal differ at batch ${String(core.state.sequence)}`);
  }

  /** Once faults have stopped and nothing is left to do, or the time for it is over. */
  finish(core: Core | undefined, history: FakeHistory): string {
    this.catchUp();
    this.#checkEnds(history);
    this.#checkRuns();
    if (!core) this.report('not-ended', 'the host is not up');
    else this.compareWithShadow(core);
    const digest = this.#shadow.digest();
    for (const { sequence, text } of this.#disk.snapshots()) {
      const restored = new Core(undefined, text);
      for (const batch of this.#disk.batchesAfter(sequence)) restored.replay(batch);
      if (restored.digest() !== digest)
        this.report('replay-digest', `replay from the snapshot at ${String(sequence)} ends differently`);
    }
    return digest;
  }

  #checkEnds(history: FakeHistory): void {
    for (const { taskId, isLive, ends, requeues } of this.audit.tasks.values()) {
      if (isLive) this.report('not-ended', `task ${String(taskId)} has not ended`);
      const kept = history.endsOf(taskId).length;
      if (!isLive && (ends !== requeues + 1 || kept !== ends))
        this.report(
          'ended-once',
          `task ${String(taskId)} ended ${String(ends)} times, history has ${String(kept)}`,
        );
    }
  }

  #checkRuns(): void {
    const runs = new Map<TaskId, number>();
    for (const taskId of this.#runs.values()) runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
    for (const { taskId, spec, requeues } of this.audit.tasks.values())
      if (spec.delivery === 'at_most_once' && requeues === 0 && (runs.get(taskId) ?? 0) > 1)
        this.report('at-most-once', `task ${String(taskId)} was run ${String(runs.get(taskId))} times`);
  }
}

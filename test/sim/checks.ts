// What is checked while a world runs and once it is quiet: invariants after each turn, promises at each answer and after
// each crash, and at the end that everything ended once and that the journal tells the same story.
import { Core, type TurnResult } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import type { NodeId, TaskId, Token } from '../../scheduler/protocol/brands.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import { JournalAudit } from './audit.ts';
import { BlameWatch } from './blameWatch.ts';
import { CopyWatch } from './copyWatch.ts';
import { EffectWatch } from './effectWatch.ts';
import type { FakeAgent } from './fakeAgent.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHistory } from './fakeHistory.ts';
import { gangsLeftWaiting } from './gangWatch.ts';
import { LeaseWatch } from './leaseWatch.ts';
import { placedWhereShort } from './overheldWatch.ts';
import { Promises } from './promises.ts';
import { QueueWatch } from './queueWatch.ts';
import { ResultWatch } from './resultWatch.ts';
import type { StoredSnapshot } from './snapshotShelf.ts';
import type { World } from './world.ts';

export interface Violation {
  readonly check: string;
  readonly message: string;
  readonly atMs: number;
}
const violationsPerCheckMax = 5;
/** Looking at all tasks and nodes costs more than a turn: what breaks stays broken for so many turns, but for chance. */
const invariantsEveryTurns = 8;
/** A digest costs as much as tens of turns. What a replay gets wrong stays wrong for about as many batches. */
const digestEveryBatches = 50;
/** Turns that ask for another at once and neither hear nor say anything. Real ones end within tens. */
const idleTurnsMax = 1_000;

export class Checks {
  readonly violations: Violation[] = [];
  readonly agents = new Map<NodeId, FakeAgent>();
  readonly counts = { turns: 0, runs: 0, snapshotsRead: 0 };
  readonly results: ResultWatch;
  readonly leases: LeaseWatch;
  readonly effects: EffectWatch;
  readonly blame: BlameWatch;
  readonly copies: CopyWatch;
  readonly queues: QueueWatch;
  readonly #promises: Promises;
  readonly #world: World;
  readonly #disk: FakeDisk;
  #audit: JournalAudit;
  /** Replays the journal from its first batch, as it grows. */
  #shadow = new Core();
  readonly #runs = new Map<Token, TaskId>();
  #idleTurns = 0;
  #isFirstTurn = true;
  #digestAt = 0;
  /** A repeat of a run that was checked looks at nothing: only that it is the same run counts. */
  readonly #isRepeat: boolean;

  constructor(world: World, disk: FakeDisk, isRepeat = false) {
    this.#world = world;
    this.#disk = disk;
    this.#isRepeat = isRepeat;
    this.results = new ResultWatch(this.report, (nodeId) => this.agents.get(nodeId)?.ledger);
    this.#audit = new JournalAudit(this.report, this.results);
    this.leases = new LeaseWatch(world, this.report);
    const promises = new Promises(this.report);
    this.#promises = promises;
    this.effects = new EffectWatch(
      this.report,
      () => this.#audit.tasks,
      (taskId) => promises.waived.has(taskId),
    );
    this.queues = new QueueWatch(this.report);
    this.blame = new BlameWatch(this.report);
    this.copies = new CopyWatch(this.report);
  }

  get audit(): JournalAudit {
    return this.#audit;
  }

  /** Enough is known: a violation, or the one that a broken build is expected to show. */
  isOver(lookFor: string | undefined): boolean {
    if (this.#idleTurns >= idleTurnsMax) return true;
    if (lookFor === undefined) return this.violations.length > 0;
    return this.violations.some(({ check }) => check === lookFor);
  }

  readonly report = (check: string, message: string): void => {
    if (this.#isRepeat) return;
    if (this.violations.filter((other) => other.check === check).length < violationsPerCheckMax)
      this.violations.push({ check, message, atMs: Math.round(this.#world.nowMs) });
  };

  turned(core: Core, commands: readonly Command[], result: TurnResult): void {
    this.counts.turns += 1;
    this.#checkProgress(commands, result);
    if (this.#isRepeat) return;
    if (this.#isFirstTurn || this.counts.turns % invariantsEveryTurns === 0) this.#checkInvariants(core);
    this.#isFirstTurn = false;
    for (const broken of placedWhereShort(core, result)) this.report('oversold', broken);
    for (const left of gangsLeftWaiting(core)) this.report('gang-wake', left);
    this.leases.turned(core, commands, result);
    this.blame.turned(core, result);
    this.copies.turned(result);
    this.queues.turned(core, commands, result);
  }
  #checkInvariants({ state }: Core): void {
    for (const broken of brokenInvariants(state)) this.report('invariant', broken);
  }
  /** A core that goes on and on without a word would keep a real host busy for ever. */
  #checkProgress(commands: readonly Command[], { batch, hasMore }: TurnResult): void {
    const isIdle = hasMore && !batch && commands.length === 0;
    this.#idleTurns = isIdle ? this.#idleTurns + 1 : 0;
    if (this.#idleTurns === idleTurnsMax)
      this.report('spins', `${String(idleTurnsMax)} turns followed one another at once and did nothing`);
  }
  stalled(forMs: number): void {
    this.leases.stalled(forMs);
  }

  /** Reads what has become durable. */
  catchUp(): void {
    if (this.#isRepeat) return;
    for (const batch of this.#disk.batchesAfter(this.#shadow.state.sequence)) {
      this.#audit.take(batch);
      this.#shadow.replay(batch);
    }
  }

  dispatched({ token }: Dispatch): void {
    if (!this.#audit.placed.has(token))
      this.report('released-early', `token ${String(token)} was dispatched before it was durable`);
  }
  ran(token: Token, taskId: TaskId, nodeId: NodeId): void {
    this.counts.runs += 1;
    if (this.#runs.has(token)) this.report('ran-twice', `token ${String(token)} ran again on ${nodeId}`);
    this.#runs.set(token, taskId);
  }
  submitAnswered(taskId: TaskId, key: string | undefined): void {
    this.#promises.submitAnswered(this.#audit, taskId, key);
  }
  readonly resultsAcked = (tokens: readonly Token[]): void => {
    this.#promises.resultsAcked(this.#audit, tokens);
  };

  /** After a start. */
  recovered(core: Core, history: FakeHistory): void {
    if (this.#isRepeat) return;
    this.compareWithShadow(core);
    this.#isFirstTurn = true;
    this.#promises.recovered(core, history);
  }

  /** The journal lost these batches: from here on the books are those of what is left. */
  restoredOlder(lost: readonly Batch[]): void {
    if (this.#isRepeat) return;
    this.#promises.lost(lost, this.#audit);
    this.results.journalIsShorter();
    this.#audit = this.#audit.shortened(this.#disk.batchesAfter(0), this.report, this.results);
    this.#shadow = new Core();
    for (const batch of this.#disk.batchesAfter(0)) this.#shadow.replay(batch);
  }

  compareWithShadow(core: Core): string {
    const digest = core.digest();
    this.#digestAt = core.state.sequence;
    if (digest !== this.#shadow.digest())
      this.report('replay-digest', `memory and journal differ at batch ${String(core.state.sequence)}`);
    return digest;
  }

  /** The digest that its parts have to give; undefined where it is too soon after the last one. */
  snapshotBegun(core: Core, isAllWritten: boolean): string | undefined {
    if (this.#isRepeat || core.state.sequence - this.#digestAt < digestEveryBatches) return undefined;
    if (isAllWritten) return this.compareWithShadow(core);
    this.#digestAt = core.state.sequence;
    return core.digest();
  }
  /** Read back at once, it is the state that it was begun at. */
  snapshotFinished({ sequence, parts }: StoredSnapshot, digest: string | undefined): void {
    if (digest === undefined) return;
    this.counts.snapshotsRead += 1;
    try {
      if (Core.restored(parts).digest() === digest) return;
    } catch (error) {
      this.report('snapshot', `the snapshot at ${String(sequence)} cannot be read: ${String(error)}`);
    }
    this.report('snapshot', `the snapshot at ${String(sequence)} is not the state of then`);
  }

  /** Once faults have stopped and nothing is left to do, or the time for it is over. */
  finish(core: Core | undefined, history: FakeHistory): string {
    if (this.#isRepeat) return core?.digest() ?? '';
    this.catchUp();
    this.#checkEnds(history);
    this.#audit.finish();
    this.#checkRuns();
    this.effects.finish();
    this.queues.finish();
    for (const { nodeId, ledger } of this.agents.values())
      if (!ledger.isTold) this.report('not-told', `${nodeId} has results that nobody took`);
    if (!core) this.report('not-ended', 'the host is not up');
    else this.compareWithShadow(core);
    if (core) this.#checkInvariants(core);
    const digest = this.#shadow.digest();
    for (const { sequence, parts } of this.#disk.shelf.whole().slice(-2)) {
      const restored = Core.restored(parts);
      for (const batch of this.#disk.batchesAfter(sequence)) restored.replay(batch);
      if (restored.digest() !== digest)
        this.report('replay-digest', `replay from the snapshot at ${String(sequence)} ends differently`);
    }
    return digest;
  }

  #checkEnds(history: FakeHistory): void {
    for (const { taskId, isLive, ends, requeues } of this.#audit.tasks.values()) {
      if (isLive) this.report('not-ended', `task ${String(taskId)} has not ended`);
      if (isLive || this.#promises.waived.has(taskId)) continue;
      const kept = history.endsOf(taskId).length;
      if (ends !== requeues + 1 || kept !== ends)
        this.report(
          'ended-once',
          `task ${String(taskId)} ended ${String(ends)} times, history has ${String(kept)}`,
        );
    }
  }

  #checkRuns(): void {
    const runs = new Map<TaskId, number>();
    for (const taskId of this.#runs.values()) runs.set(taskId, (runs.get(taskId) ?? 0) + 1);
    for (const { taskId, spec, requeues } of this.#audit.tasks.values()) {
      const isOnce = spec.delivery === 'at_most_once' && requeues === 0;
      if (isOnce && !this.#promises.waived.has(taskId) && (runs.get(taskId) ?? 0) > 1)
        this.report('at-most-once', `task ${String(taskId)} was run ${String(runs.get(taskId))} times`);
    }
  }
}

// The engine of one workstation: runs the core's turns, makes their batches durable, and only then lets their answers
// and effects out. A command that arrives at rest starts a turn at once; what arrives during a write forms the next.
import type { Core } from '../core/cycle.ts';
import { type TurnResult } from '../core/cycle.ts';
import type { Effect } from '../core/effects.ts';
import type { Dispatch } from '../protocol/agentWire.ts';
import type { NodeId, Token } from '../protocol/brands.ts';
import type { Command } from '../protocol/events.ts';
import { pendingCommandsMax, snapshotEveryBytes } from '../protocol/limits.ts';
import { type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import type { TaskRecord } from '../protocol/task.ts';
import { CommandQueue, type Waiting } from './commandQueue.ts';
import type { Engine, EngineAnswer, EngineListener, EngineStats } from './engine.ts';
import type { JournalPort } from '../journal/journal.ts';
import { heldParts } from './snapshotParts.ts';

/** What the engine needs of the hub. */
export interface AgentPort {
  /** False where the node is not connected or its outbox is full: it gets the dispatch again when it next joins. */
  readonly dispatch: (nodeId: NodeId, dispatch: Dispatch) => boolean;
  readonly stop: (nodeId: NodeId, tokens: readonly Token[]) => void;
  readonly closeNode: (nodeId: NodeId, reason: string) => void;
  /** Sends what was dispatched now, before anything else of this turn is worked on. */
  readonly flush: () => void;
}

export interface EmbeddedParts {
  readonly core: Core;
  readonly journal: JournalPort;
  readonly agents: AgentPort;
  readonly listener: EngineListener;
  /** Milliseconds since 1970; never runs backwards. */
  readonly nowMs: () => number;
  /** Resolves once history holds all that was released: only then may a snapshot let journal rows go. */
  readonly historyHolds: () => Promise<void>;
  /** False while history is so far behind that more ended tasks would only fill memory: turns wait. */
  readonly hasRoom: () => boolean;
}

type Answer = Outcome<EngineAnswer, Refusal>;

/** The core is ticked at least this often: it tells a stalled host from silent agents by the gap between turns. */
const tickMs = 500;
/** Ticks within the gap that counts as a stall, or an idle host would take its own rest for one. */
const ticksPerStall = 4;
/** How long a report that nobody waits for may wait for company: each turn with events costs a disk flush. */
const soonMs = 5;

export class EmbeddedEngine implements Engine {
  readonly #parts: EmbeddedParts;
  readonly #commands = new CommandQueue<Answer>();
  readonly #counts = { turns: 0, batches: 0, placements: 0, slowestTurnMs: 0 };
  readonly view;
  #isTurnQueued = false;
  #soon: ReturnType<typeof setTimeout> | undefined;
  #write: Promise<void> | undefined;
  #writingSinceMs = 0;
  #snapshot: Promise<void> | undefined;
  #stopped: Refusal | undefined;
  readonly #ticker: ReturnType<typeof setInterval>;

  constructor(parts: EmbeddedParts) {
    this.#parts = parts;
    this.view = parts.core.view();
    const stallTickMs = parts.core.state.timing.stallMs / ticksPerStall;
    this.#ticker = setInterval(
      () => {
        this.#wake();
      },
      Math.min(tickMs, stallTickMs),
    );
  }

  readonly rejoinUntilMs = (): number => this.#parts.core.state.rejoinUntilMs;
  /** Soft state, as after a stall: the lines were lost on this side, so their silence says nothing of the nodes. */
  readonly awaitAgents = (forMs: number): void => {
    const { state } = this.#parts.core;
    const untilMs = Math.floor(this.#parts.nowMs()) + forMs;
    state.rejoinUntilMs = Math.max(state.rejoinUntilMs, untilMs);
  };
  readonly pending = (): number => this.#commands.size;
  readonly pendingOfPeople = (): number => this.#commands.fromPeople;
  readonly written = (): Promise<void> => this.#write ?? Promise.resolve();

  readonly stats = (): EngineStats => ({
    ...this.#counts,
    wideSearches: this.#parts.core.state.placer.wideSearches,
    staleReports: this.#parts.core.state.staleReports,
    writeMs: this.#write ? this.#parts.nowMs() - this.#writingSinceMs : 0,
  });

  readonly execute = (command: Command): Promise<Answer> => {
    if (this.#stopped) return Promise.resolve(refused(this.#stopped));
    return new Promise((answer) => {
      if (!this.#commands.add({ command, answer })) answer(refused(overloaded));
      else if (canWait(command)) this.#wakeSoon();
      else this.#wake();
    });
  };

  readonly stop = async (): Promise<void> => {
    this.#stopped ??= refusal('stopping', 'the scheduler is stopping; submit again when it is back');
    clearInterval(this.#ticker);
    clearTimeout(this.#soon);
    await this.#write;
    await this.#snapshot;
    for (const { answer } of this.#commands.take()) answer(refused(this.#stopped));
    if (this.#stopped.code === 'stopping') await this.#takeSnapshot();
  };

  /** Queues a turn for the end of the running task, so that all messages of one read form one batch. */
  #wake(): void {
    if (this.#isTurnQueued || this.#write || this.#stopped || !this.#parts.hasRoom()) return;
    this.#isTurnQueued = true;
    queueMicrotask(() => {
      this.#isTurnQueued = false;
      if (!this.#stopped) this.#turn();
    });
  }

  /** For what nobody waits for: it rides with the next turn, or gets one of its own after a moment. */
  #wakeSoon(): void {
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined;
      this.#wake();
    }, soonMs);
  }

  #turn(): void {
    const startedMs = this.#parts.nowMs();
    const waiting = this.#commands.take();
    const result = this.#parts.core.turn(
      startedMs,
      waiting.map(({ command }) => command),
    );
    this.#counts.turns += 1;
    const tookMs = this.#parts.nowMs() - startedMs;
    this.#counts.slowestTurnMs = Math.max(this.#counts.slowestTurnMs, tookMs);
    if (result.effects.some(({ kind }) => kind === 'dispatch')) this.#parts.listener.onPlaced?.(tookMs);
    if (!result.batch) {
      this.#release(waiting, result, startedMs);
      return;
    }
    this.#writingSinceMs = startedMs;
    this.#write = this.#parts.journal.append(result.batch).then(
      () => {
        this.#write = undefined;
        this.#counts.batches += 1;
        this.#release(waiting, result, startedMs);
        this.#snapshotIfLarge();
      },
      (error: unknown) => {
        this.#write = undefined;
        this.#fail(waiting, error);
      },
    );
  }

  /** The batch is durable (or there is none): let answers and effects out, then go on where more is to be done. */
  #release(waiting: readonly Waiting<Answer>[], result: TurnResult, startedMs: number): void {
    for (const effect of result.effects) this.#releaseEffect(effect, startedMs);
    if (result.effects.length > 0) this.#parts.agents.flush();
    for (const [at, { answer }] of waiting.entries()) {
      const outcome = result.answers[at];
      if (outcome) answer(outcome);
    }
    if (result.batch) this.#parts.listener.onDurable(result.batch, endedOf(result.effects));
    if (result.hasMore || this.#commands.size > 0) this.#wake();
  }

  #releaseEffect(effect: Effect, startedMs: number): void {
    const { agents, listener, nowMs } = this.#parts;
    switch (effect.kind) {
      case 'dispatch':
        this.#counts.placements += 1;
        agents.dispatch(effect.nodeId, effect.dispatch);
        // The core counts whole milliseconds: what got into line in this turn has waited since the turn began.
        if (effect.dispatch.attempt === 1) {
          const isNew = effect.waitedSinceMs >= Math.floor(startedMs);
          listener.onDispatched(Math.max(0, nowMs() - (isNew ? startedMs : effect.waitedSinceMs)));
        }
        break;
      case 'stop':
        agents.stop(effect.nodeId, [effect.token]);
        break;
      case 'node_dropped':
        agents.closeNode(effect.nodeId, 'the node is lost or was removed');
        break;
      case 'task_ended':
        break; // with the batch, to the listener
    }
  }

  /** Memory is ahead of a disk that takes no more: nothing may leave. The host exits and starts from the journal. */
  #fail(waiting: readonly Waiting<Answer>[], error: unknown): void {
    const said = error instanceof Error ? error.message : String(error);
    this.#stopped = refusal('storage_failed', `the journal could not be written: ${said}`);
    clearInterval(this.#ticker);
    for (const { answer } of [...waiting, ...this.#commands.take()]) answer(refused(this.#stopped));
    this.#parts.listener.onFailure(this.#stopped);
  }

  #snapshotIfLarge(): void {
    if (this.#snapshot || this.#parts.journal.stats().bytesSinceSnapshot < snapshotEveryBytes) return;
    this.#snapshot = this.#takeSnapshot()
      .catch((error: unknown) => {
        if (!isOfStore(error)) throw error;
      })
      .finally(() => {
        this.#snapshot = undefined;
      });
  }

  /** In parts between turns, so that nobody waits for it. */
  async #takeSnapshot(): Promise<void> {
    const { core, journal, historyHolds } = this.#parts;
    const { sequence } = core.state;
    if (sequence === 0) return;
    const snapshot = core.beginSnapshot();
    await journal.snapshot(sequence, heldParts(snapshot.parts(), historyHolds)).finally(() => {
      snapshot.close();
    });
  }
}

/** Journal and history tell of their own failures, and the host ends for them. */
const isOfStore = (error: unknown): boolean =>
  error instanceof Error && ['JournalFailed', 'HistoryFailed'].includes(error.name);

/** Signs of life and of start change nothing that anybody waits for. */
const canWait = ({ kind }: Command): boolean => kind === 'Heartbeat' || kind === 'ReportStarted';

const endedOf = (effects: readonly Effect[]): readonly TaskRecord[] =>
  effects.flatMap((effect) => (effect.kind === 'task_ended' ? [effect.record] : []));

const overloaded = refusal(
  'queue_full',
  `${String(pendingCommandsMax)} calls are waiting for the scheduler; retry after 1 s`,
  { retryAfterMs: 1_000 },
);

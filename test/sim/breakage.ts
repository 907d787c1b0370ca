// How a build can be broken on purpose: each field breaks one rule of the host, its disk or its agents. A whole build
// has none of them.
import type { Core } from '../../scheduler/core/cycle.ts';
import type { Policy } from '../../scheduler/core/place/policy.ts';
import type { Batch, Command } from '../../scheduler/protocol/events.ts';
import type { LoadKind } from './plan.ts';
import type { RepairEvent } from './repair.ts';

export interface Breakage {
  /** The check that has to notice. The run goes on until it does. */
  readonly lookFor?: string;
  /** Faults that it needs to show, and would have in few seeds. */
  readonly needs?: readonly string[];
  /** No faults but those that it needs. */
  readonly isCalm?: boolean;
  /** The load that shows it, in place of the seed's own. */
  readonly load?: LoadKind;
  /** Dispatches leave before their batch is durable. */
  readonly releasesEarly?: boolean;
  /** Callers are answered before their batch is durable. */
  readonly answersEarly?: boolean;
  /** Results are acknowledged before they are stored. */
  readonly acksEarly?: boolean;
  /** The disk says that it has written before it has. */
  readonly diskLies?: boolean;
  /** Agents run a token each time it is dispatched. */
  readonly runsTwice?: boolean;
  /** Agents join without saying what they hold. */
  readonly forgetsHeld?: boolean;
  /** Agents tell their results by their own clocks, or each only once. */
  readonly tellsByClock?: boolean;
  readonly tellsOnce?: boolean;
  /** Guarded resources do not look at tokens. */
  readonly effectsUnguarded?: boolean;
  /** A snapshot counts before history holds what it covers. */
  readonly snapshotsAheadOfHistory?: boolean;
  /** A write that ended in an error counts as done. */
  readonly diskErrorsIgnored?: boolean;
  /** Turns go on however far history is behind. */
  readonly ignoresHistoryRoom?: boolean;
  /** A start takes a snapshot that a crash left unfinished. */
  readonly readsUnfinished?: boolean;
  readonly policy?: Policy;
  /** Changes a rule of a core that was just made. */
  readonly changeCore?: (core: Core) => void;
  /** Runs after each turn of the core. */
  readonly afterTurn?: (core: Core) => void;
  /** What the core is given instead. */
  readonly changeCommand?: (core: Core, command: Command) => Command;
  /** What a recovery reads instead. */
  readonly changeReplay?: (batch: Batch) => Batch;
  /** What a repair writes instead. */
  readonly changeRepair?: (event: RepairEvent) => RepairEvent;
  /** Where an epoch's random numbers come from instead. */
  readonly changeSeed?: (seed: number) => number;
}
export const whole: Breakage = {};

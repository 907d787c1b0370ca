// What one turn of the core gives to the deciders: the state to read, the time, and the two ways to say what happens.
import type { Ms } from '../../protocol/brands.ts';
import type { Event } from '../../protocol/events.ts';
import type { Effect } from '../effects.ts';
import type { Random } from '../ports.ts';
import type { SchedulerState } from '../state/schedulerState.ts';

export interface Turn {
  readonly state: SchedulerState;
  readonly nowMs: Ms;
  readonly random: Random;
  /** Applies an event at once, so that the next decision sees it, and adds it to the turn's batch. */
  readonly emit: (event: Event) => void;
  /** Leaves the process once the batch is durable. */
  readonly effect: (effect: Effect) => void;
}

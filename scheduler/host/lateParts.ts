// What the host's parts reach through one object, since they are made in turn.
import type { Console } from '../console/ports.ts';
import type { EdgeHub } from '../hub/ports.ts';
import type { Measuring } from './measuring.ts';
import type { Schedules } from './schedules.ts';

/** Parts that others reach before they exist: the engine needs the hub to dispatch, the hub the engine to answer. */
export interface LateParts {
  hub?: EdgeHub;
  console?: Console;
  measuring?: Measuring;
  schedules?: Schedules;
}

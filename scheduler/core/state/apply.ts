// event -> state change: the only writer of journalled state, live and in replay. It decides nothing and refuses
// nothing; an event that does not fit the state is a bug and throws.
import type { Ms } from '../../protocol/brands.ts';
import type { Event } from '../../protocol/events.ts';
import { arrayAppliers } from './appliers/arrays.ts';
import { gangAppliers } from './appliers/gangs.ts';
import { identityAppliers } from './appliers/identity.ts';
import { lifeAppliers } from './appliers/life.ts';
import { maintenanceAppliers } from './appliers/maintenance.ts';
import { nodeAppliers } from './appliers/nodes.ts';
import { queueAppliers } from './appliers/queues.ts';
import { scheduleAppliers } from './appliers/schedules.ts';
import { taskAppliers } from './appliers/tasks.ts';
import { workflowAppliers } from './appliers/workflows.ts';
import type { Appliers } from './appliers/types.ts';
import type { SchedulerState } from './schedulerState.ts';

const appliers: Appliers = {
  ...lifeAppliers,
  ...identityAppliers,
  ...maintenanceAppliers,
  ...nodeAppliers,
  ...queueAppliers,
  ...scheduleAppliers,
  ...taskAppliers,
  ...arrayAppliers,
  ...gangAppliers,
  ...workflowAppliers,
};

export function apply(state: SchedulerState, event: Event, atMs: Ms): void {
  state.snapshot?.keep(event);
  // The table is typed by kind; the compiler cannot see that both sides of this call have the same one.
  const applier = appliers[event.kind] as (state: SchedulerState, event: Event, atMs: Ms) => void;
  applier(state, event, atMs);
}

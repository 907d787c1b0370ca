// What a record holds that is not given to a run which asks what would be.
import type { Event } from '../../protocol/events.ts';

/** Events that the core decides by itself in a run, or that no work hangs on: they are not given to it. */
export const decidedAnew: ReadonlySet<string> = new Set<Event['kind']>([
  'attempt_placed',
  'attempt_started',
  'attempt_ended',
  'task_backed_off',
  'task_ready',
  'task_succeeded',
  'task_dead_lettered',
  'node_set_aside',
  'task_held',
  'task_released',
  'array_elements_begun',
  'array_ended',
  'workflow_ended',
  'node_key_replaced',
  'enrolment_created',
  'enrolment_revoked',
  'enrolment_dropped',
]);

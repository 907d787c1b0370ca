// Maintenance windows and licences: what people decide of them, and when a window begins and ends.
import { licencesMax, maintenanceWindowsMax } from '../../protocol/limits.ts';
import type {
  MaintenanceWindow,
  PutLicence,
  PutWindow,
  RemoveLicence,
  RemoveWindow,
} from '../../protocol/maintenance.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../../protocol/outcome.ts';
import type { SchedulerState } from '../state/schedulerState.ts';
import type { Turn } from './turn.ts';

type Taken = Outcome<undefined, Refusal>;

export function putWindow(turn: Turn, { window, actor }: PutWindow): Taken {
  const { maintenance } = turn.state;
  const known = maintenance.get(window.id);
  if (!known && maintenance.size >= maintenanceWindowsMax) {
    const said = `there are ${String(maintenanceWindowsMax)} maintenance windows; remove one first`;
    return refused(refusal('too_many', said, { field: 'id' }));
  }
  if (window.untilMs <= turn.nowMs)
    return refused(refusal('wrong_state', `window ${window.id} is over already`, { field: 'untilMs' }));
  if (known) freeNodes(turn.state, known);
  turn.emit({ kind: 'window_put', window, actor });
  watchWindow(turn.state, window);
  return accepted(undefined);
}

export function removeWindow(turn: Turn, { id, actor }: RemoveWindow): Taken {
  const known = turn.state.maintenance.get(id);
  if (!known) return refused(refusal('wrong_state', `there is no maintenance window ${id}`, { field: 'id' }));
  endWindow(turn, known, actor);
  return accepted(undefined);
}

/** Sets the timers of a window's two ends. */
export function watchWindow({ timers }: SchedulerState, { fromMs, untilMs }: MaintenanceWindow): void {
  timers.add({ dueMs: fromMs, kind: 'window', id: 0 });
  timers.add({ dueMs: untilMs, kind: 'window', id: 0 });
}
/** Some window may begin or end now. */
export function windowTimer(turn: Turn): void {
  const { maintenance } = turn.state;
  const over = [...maintenance.all()].filter(({ untilMs }) => untilMs <= turn.nowMs);
  for (const window of over) endWindow(turn, window);
  maintenance.begin();
}

function endWindow(turn: Turn, window: MaintenanceWindow, actor?: string): void {
  freeNodes(turn.state, window);
  turn.emit({ kind: 'window_removed', id: window.id, ...(actor !== undefined && { actor }) });
}
/** Asks that wait may fit there now. */
function freeNodes({ maintenance, freed }: SchedulerState, window: MaintenanceWindow): void {
  for (const node of maintenance.nodesOf(window)) freed.add(node);
}

export function putLicence(turn: Turn, { licence, total, actor }: PutLicence): Taken {
  const { licences } = turn.state;
  if (licences.totalOf(licence) === undefined && licences.size >= licencesMax) {
    const said = `there are ${String(licencesMax)} licences; remove one first`;
    return refused(refusal('too_many', said, { field: 'licence' }));
  }
  turn.emit({ kind: 'licence_put', licence, total, actor });
  return accepted(undefined);
}

/** Refused while a live task asks for it. O(ask classes). */
export function removeLicence(turn: Turn, { licence, actor }: RemoveLicence): Taken {
  const { licences, classes } = turn.state;
  if (licences.totalOf(licence) === undefined)
    return refused(refusal('unknown_licence', unknown(turn.state, licence), { field: 'licence' }));
  let users = 0;
  for (const ask of classes.askClasses)
    if (ask?.licences.some(([name]) => name === licence)) users += ask.users;
  if (users > 0) {
    const said = `licence ${licence} is asked for by ${String(users)} live tasks; cancel them, or set its total to 0`;
    return refused(refusal('wrong_state', said, { field: 'licence' }));
  }
  turn.emit({ kind: 'licence_removed', licence, actor });
  return accepted(undefined);
}

/** Why a task cannot be taken in for its licences; undefined where it can. */
export function whyNotLicensed(
  state: SchedulerState,
  wanted: Readonly<Record<string, number>>,
): Refusal | undefined {
  for (const name of Object.keys(wanted))
    if (state.licences.totalOf(name) === undefined)
      return refusal('unknown_licence', unknown(state, name), { field: 'licences' });
  return undefined;
}
const listedMax = 5;
function unknown({ licences }: SchedulerState, name: string): string {
  const known = licences.names().slice(0, listedMax).join(', ');
  const more = licences.size > listedMax ? ', ...' : '';
  return `licence ${name} does not exist (there are: ${known === '' ? 'none' : known + more}); set its total first`;
}

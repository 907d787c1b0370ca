// The shape of what applies events: one function per kind of event. Each file beside this one holds those of a subject.
import type { Ms, NodeId, NodeIndex, Token } from '../../../protocol/brands.ts';
import type { Event } from '../../../protocol/events.ts';
import type { SchedulerState } from '../schedulerState.ts';
import { attemptOf, type LiveAttempt, type Task } from '../taskTable.ts';

export type EventOf<Kind extends Event['kind']> = Extract<Event, { kind: Kind }>;
/** Decides nothing and refuses nothing; an event that does not fit the state is a bug and throws. */
export type Appliers<Kinds extends Event['kind'] = Event['kind']> = {
  readonly [Kind in Kinds]: (state: SchedulerState, event: EventOf<Kind>, atMs: Ms) => void;
};

export function mustIndex(state: SchedulerState, id: NodeId): NodeIndex {
  const node = state.nodes.indexOf(id);
  if (node === undefined) throw new Error(`node ${id} is not in the table`);
  return node;
}

export function mustLive(
  state: SchedulerState,
  token: Token,
): { readonly task: Task; readonly live: LiveAttempt } {
  const task = state.tasks.byToken(token);
  const live = attemptOf(task, token);
  if (!task || !live) throw new Error(`no live attempt has token ${String(token)}`);
  return { task, live };
}

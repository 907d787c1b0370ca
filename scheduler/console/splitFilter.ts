// One filter of a caller as two: what is asked of live tasks, and what is asked of history.
import type { Params } from '../protocol/consoleWire.ts';
import { isEnded } from '../protocol/task.ts';
import type { TaskFilter } from '../protocol/view.ts';

interface SplitFilter {
  /** Undefined: the asked states leave nothing to find there. */
  readonly live: TaskFilter | undefined;
  readonly ended: TaskFilter | undefined;
}

/** No states, or an empty list of them, means all; so does an empty text. */
export function splitFilter({ states, ...asked }: Params<'listTasks'>['filter']): SplitFilter {
  const { text, ...others } = asked;
  const rest: TaskFilter = { ...others, ...(text !== undefined && text !== '' && { text }) };
  if (states === undefined || states.length === 0) return { live: rest, ended: rest };
  const endStates = states.filter(isEnded);
  const liveStates = states.filter((state) => !isEnded(state));
  return {
    live: liveStates.length === 0 ? undefined : { ...rest, states: liveStates },
    ended: endStates.length === 0 ? undefined : { ...rest, states: endStates },
  };
}

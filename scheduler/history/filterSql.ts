// TaskFilter -> SQL that walks an index from the newest task down. What no index answers (a text) is tested by
// queries.ts on a bounded number of rows.
import { endStates, type EndState } from '../protocol/task.ts';
import type { TaskFilter } from '../protocol/view.ts';

type Parameter = string | number;
export interface Sql {
  readonly text: string;
  readonly parameters: readonly Parameter[];
}
/** Which part of the tasks a walk covers. */
export interface Reach {
  /** Only tasks below this id. */
  readonly before: number;
  /** Only tasks from this id on. */
  readonly lowest: number;
  /** Rows at most. */
  readonly limit: number;
}

/** The states a filter leaves of those that history has: live ones are the core's. */
export function endStatesOf({ states }: TaskFilter): readonly EndState[] {
  return endStates.filter((state) => !states || states.includes(state));
}

/**
 * Tasks by state, queue and node, newest first, with these columns; `task_id` is one of them.
 * One arm per state: within a state an index gives the order, over several it would be a sort of all that match.
 */
export function walkSql(filter: TaskFilter, reach: Reach, columns: string): Sql {
  const states = endStatesOf(filter);
  const isNarrowed = filter.queue !== undefined || filter.nodeId !== undefined;
  if (!isNarrowed && states.length === endStates.length)
    return {
      text: `SELECT ${columns} FROM task WHERE task_id < ? AND task_id >= ? ORDER BY task_id DESC LIMIT ?`,
      parameters: [reach.before, reach.lowest, reach.limit],
    };
  const arms = states.map((state) => armSql(filter, state, { reach, columns }));
  return {
    text: `SELECT * FROM (${arms.map((arm) => `SELECT * FROM (${arm.text})`).join(' UNION ALL ')})
      ORDER BY task_id DESC LIMIT ?`,
    parameters: [...arms.flatMap((arm) => arm.parameters), reach.limit],
  };
}

function armSql(filter: TaskFilter, state: EndState, of: { reach: Reach; columns: string }): Sql {
  const { queue, nodeId } = filter;
  const { before, lowest, limit } = of.reach;
  const index =
    nodeId !== undefined ? 'task_by_node' : queue !== undefined ? 'task_by_queue' : 'task_by_state';
  const isNode = nodeId === undefined ? '' : 'AND node_id = ?';
  const isQueue = queue === undefined ? '' : 'AND queue = ?';
  return {
    text: `SELECT ${of.columns} FROM task INDEXED BY ${index} WHERE state = ? ${isNode} ${isQueue}
      AND task_id < ? AND task_id >= ? ORDER BY task_id DESC LIMIT ?`,
    parameters: [
      state,
      ...(nodeId === undefined ? [] : [nodeId]),
      ...(queue === undefined ? [] : [queue]),
      before,
      lowest,
      limit,
    ],
  };
}

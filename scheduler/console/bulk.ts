// cancelTasks and requeueTasks: one command per task, in chunks, and one answer per task in order.
import { formatTaskId, type TaskId } from '../protocol/brands.ts';
import type { TaskAnswer } from '../protocol/consoleAnswers.ts';
import type { Command } from '../protocol/events.ts';
import { accepted, type Outcome, type Refusal, refusal, Refused, refused } from '../protocol/outcome.ts';
import { isEnded, type TaskRecord } from '../protocol/task.ts';
import type { ConsolePorts } from './ports.ts';
import { inChunks } from './turns.ts';

/** Commands given at once: a quarter of what one cycle takes, so that results of agents get in between. */
const commandsPerTurn = 256;
type Ports = Pick<ConsolePorts, 'execute' | 'history' | 'view'>;

export async function cancelTasks(
  taskIds: readonly TaskId[],
  reason: string,
  actor: string,
  ports: Ports,
): Promise<readonly TaskAnswer[]> {
  const answers = await forEachTask(taskIds, ports, (taskId) =>
    Promise.resolve(accepted({ kind: 'CancelTask', taskId, actor, reason })),
  );
  return inChunks(answers, commandsPerTurn, (chunk) =>
    Promise.all(chunk.map((answer) => endedOrUnknown(answer, ports))),
  );
}

/** The core tells only that a task is not live; history knows whether it ever was. */
async function endedOrUnknown(answer: TaskAnswer, { view, history }: Ports): Promise<TaskAnswer> {
  if (answer.ok || answer.refusal.code !== 'wrong_state') return answer;
  const { taskId } = answer;
  if (view.taskRow(taskId) !== undefined) return answer;
  const known = await recordOf(taskId, history);
  return known.ok || known.reason.code !== 'unknown_task' ? answer : { ...answer, refusal: known.reason };
}

export function requeueTasks(
  taskIds: readonly TaskId[],
  actor: string,
  ports: Ports,
): Promise<readonly TaskAnswer[]> {
  return forEachTask(taskIds, ports, (taskId) => requeueCommand(taskId, actor, ports));
}

function forEachTask(
  taskIds: readonly TaskId[],
  ports: Ports,
  commandOf: (taskId: TaskId) => Promise<Outcome<Command, Refusal>>,
): Promise<readonly TaskAnswer[]> {
  const answer = async (taskId: TaskId): Promise<TaskAnswer> => {
    const command = await commandOf(taskId);
    if (!command.ok) return { ok: false, taskId, refusal: command.reason };
    const executed = await ports.execute(command.value);
    return executed.ok ? { ok: true } : { ok: false, taskId, refusal: executed.reason };
  };
  return inChunks(taskIds, commandsPerTurn, (chunk) => Promise.all(chunk.map(answer)));
}

/** The core keeps only live tasks: what is put back comes from history. */
export async function requeueCommand(
  taskId: TaskId,
  actor: string,
  { view, history }: Ports,
): Promise<Outcome<Command, Refusal>> {
  const live = view.task(taskId);
  if (live !== undefined) return refused(notEnded(taskId, live.state));
  const read = await recordOf(taskId, history);
  if (!read.ok) return read;
  const record = read.value;
  if (!isEnded(record.state)) return refused(notEnded(taskId, record.state));
  return accepted({ kind: 'RequeueTask', record, actor });
}

/** Refused for this task alone: the others of a bulk go on. */
async function recordOf(taskId: TaskId, history: Ports['history']): Promise<Outcome<TaskRecord, Refusal>> {
  try {
    const record = await history.get(taskId);
    return record === undefined ? refused(unknownTask(taskId)) : accepted(record);
  } catch (error) {
    if (error instanceof Refused) return refused(error.refusal);
    throw error;
  }
}

export const unknownTask = (taskId: TaskId): Refusal =>
  refusal(
    'unknown_task',
    `there is no task ${formatTaskId(taskId)}, or it ended so long ago that it was pruned`,
  );

const notEnded = (taskId: TaskId, state: string): Refusal =>
  refusal('wrong_state', `${formatTaskId(taskId)} is ${state}; only a task that has ended can be put back`);

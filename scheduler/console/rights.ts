// Whether who asks may do it: the least role of the method, and where rights are limited to queues, those queues.
// Asked before the method, of the session that the host made: nothing a window says of itself counts.
import type { ConsoleSession } from '../protocol/accounts.ts';
import type { TaskId } from '../protocol/brands.ts';
import type { Method, Params } from '../protocol/consoleWire.ts';
import { type Refusal, refusal } from '../protocol/outcome.ts';
import { includes, leastRoleFor } from '../protocol/rights.ts';
import type { ConsolePorts } from './ports.ts';

type Ports = Pick<ConsolePorts, 'view' | 'history'>;
/** `every`: it may touch any queue. */
type Touched = readonly string[] | 'every';
type QueueTable = {
  readonly [M in Method]?: (params: Params<M>, ports: Ports) => Touched | Promise<Touched>;
};

/** `not_logged_in`, or `forbidden` naming the role. `params` as they came. */
export function roleHindrance(method: Method, params: unknown, session: ConsoleSession): Refusal | undefined {
  const least = leastRoleFor(method, params);
  if (least === 'anyone') return undefined;
  if (session.role === 'nobody') return refusal('not_logged_in', 'log in first; nothing is answered before');
  if (session.mustChange === true && method !== 'changePassword')
    return refusal('forbidden', `${session.user} has to choose a new password first`);
  if (includes(session.role, least)) return undefined;
  const said = `${method} needs the role ${least}; ${session.user} is ${session.role}`;
  return refusal('forbidden', said);
}

/** `forbidden` naming the queue. */
export async function queueHindrance<M extends Method>(
  method: M,
  params: Params<M>,
  session: ConsoleSession,
  ports: Ports,
): Promise<Refusal | undefined> {
  if (method === 'putQueue' && session.role === 'operator') {
    const { queue } = params as Params<'putQueue'>;
    if (!ports.view.queues().some((row) => row.queue === queue))
      return refusal('forbidden', `there is no queue ${queue}; to make one needs the role engineer`);
  }
  if (session.queues === '*') return undefined;
  const { user, queues } = session;
  const touched = await touches[method]?.(params, ports);
  const other = touched === 'every' ? touched : touched?.find((queue) => !queues.includes(queue));
  if (other === undefined) return undefined;
  const own = queues.length === 0 ? 'no queue' : `the queues ${queues.join(', ')}`;
  const said =
    other === 'every'
      ? `${method} like this needs rights on all queues; name one of yours`
      : `${method} needs rights on the queue ${other}`;
  return refusal('forbidden', `${said}; ${user} has rights on ${own}`, { field: 'queue' });
}

/** What is not here touches no queue, or the plant as a whole: its role alone decides. */
const touches: QueueTable = {
  submitTasks: ({ specs }) => specs.map(queueOfSpec),
  submitWorkflow: ({ workflow }) => {
    const { tasks } = (workflow ?? {}) as { readonly tasks?: unknown };
    return Array.isArray(tasks)
      ? tasks.map((task: unknown) => queueOfSpec((task as { readonly spec?: unknown } | null)?.spec))
      : [];
  },
  retryWorkflow: ({ groupId }, ports) => queuesOfTasks([groupId], ports),
  cancelTasks: ({ taskIds }, ports) => queuesOfTasks(taskIds, ports),
  requeueTasks: ({ taskIds }, ports) => queuesOfTasks(taskIds, ports),
  startBulk: ({ filter }) => (filter?.queue === undefined ? 'every' : [filter.queue]),
  putQueue: ({ queue }) => [queue],
  removeQueue: ({ queue }) => [queue],
  putSchedule: ({ scheduleId, spec }, ports) => [spec.task.queue, ...queueOfSchedule(scheduleId, ports)],
  removeSchedule: ({ scheduleId }, ports) => queueOfSchedule(scheduleId, ports),
  runScheduleNow: ({ scheduleId }, ports) => queueOfSchedule(scheduleId, ports),
};

const queueDefault = 'default';

/** Not decoded yet: what is no text is refused by the method. */
function queueOfSpec(spec: unknown): string {
  const { queue } = (spec ?? {}) as { readonly queue?: unknown };
  return typeof queue === 'string' ? queue : queueDefault;
}

const queueOfSchedule = (scheduleId: string, { view }: Ports): readonly string[] => {
  const found = view.schedule(scheduleId);
  return found ? [found.spec.task.queue] : [];
};

async function queuesOfTasks(taskIds: readonly TaskId[], ports: Ports): Promise<Touched> {
  const found = new Set<string>();
  for (const taskId of taskIds) {
    const queues = await queuesOfTask(taskId, ports);
    if (queues === 'every') return queues;
    for (const queue of queues) found.add(queue);
  }
  return [...found];
}

/** Of an array its own, of a workflow those of its members. None where there is no such task: the method says so. */
async function queuesOfTask(taskId: TaskId, ports: Ports): Promise<Touched> {
  const { group, members } = ports.view.group(taskId) ?? {};
  if (group?.queue !== undefined) return [group.queue];
  if (!members) return queueOfOne(taskId, ports);
  const found: string[] = [];
  for (const member of members) {
    const queues = await queueOfOne(member.taskId, ports);
    // A member that nobody knows any more may have been anywhere.
    if (queues.length === 0) return 'every';
    found.push(...queues);
  }
  return found;
}

async function queueOfOne(taskId: TaskId, { view, history }: Ports): Promise<readonly string[]> {
  const record = view.task(taskId) ?? (await history.get(taskId));
  return record ? [record.spec.queue] : [];
}

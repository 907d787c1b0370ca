// Methods of arrays and workflows.
import { formatTaskId, type TaskId, taskId } from '../protocol/brands.ts';
import type { TaskAnswer } from '../protocol/consoleAnswers.ts';
import { decode } from '../protocol/decode.ts';
import type { GroupDetail, MemberRow, WorkflowAnswer } from '../protocol/groups.ts';
import { commandsPerCycleMax } from '../protocol/limits.ts';
import { accepted, type Outcome, type Refusal, refusal, refused } from '../protocol/outcome.ts';
import { orderOf, type Workflow, workflowShapeSchema } from '../protocol/workflow.ts';
import { workflowBytesMax } from '../protocol/workflowLimits.ts';
import { requeueCommand } from './bulk.ts';
import type { MethodTable } from './methodTable.ts';
import type { ConsolePorts } from './ports.ts';
import { decodeSpec, jsonOf } from './submit.ts';
import { inChunks } from './turns.ts';

type GroupMethod = 'submitWorkflow' | 'listGroups' | 'getGroup' | 'retryWorkflow';
/** Specs checked in one turn: about 5 ms. */
const specsPerTurn = 250;

export const groupMethods = (ports: ConsolePorts): Pick<MethodTable, GroupMethod> => ({
  submitWorkflow: ({ workflow }, { actor }) => submitWorkflow(workflow, actor, ports),
  listGroups: () => accepted({ groups: ports.view.groups() }),
  getGroup: ({ groupId }) => getGroup(groupId, ports),
  retryWorkflow: async ({ groupId }, { actor }) => {
    const found = getGroup(groupId, ports);
    if (!found.ok) return found;
    const { members } = found.value;
    if (!members) return refused(refusal('wrong_state', `${formatTaskId(groupId)} is no workflow`));
    return accepted({ answers: await retryMembers(members, actor, ports) });
  },
});

async function submitWorkflow(
  given: unknown,
  actor: string,
  { execute, overload }: ConsolePorts,
): Promise<Outcome<WorkflowAnswer, Refusal>> {
  const notNow = overload.refusal();
  if (notNow !== undefined) return refused(notNow);
  const decoded = await decodeWorkflow(given);
  if (!decoded.ok) return decoded;
  const executed = await execute({ kind: 'SubmitWorkflow', workflow: decoded.value, actor });
  if (!executed.ok) return executed;
  const [answer] = executed.value.answers ?? [];
  if (answer?.ok !== true) throw new Error('the engine did not answer a submitted workflow');
  const groupId = answer.taskId;
  return accepted({ groupId, taskIds: decoded.value.tasks.map((_, at) => taskId(groupId + 1 + at)) });
}

async function decodeWorkflow(given: unknown): Promise<Outcome<Workflow, Refusal>> {
  const bytes = Buffer.byteLength(jsonOf(given) ?? '');
  if (bytes > workflowBytesMax) {
    const said = `the workflow has ${bytes} bytes; at most ${workflowBytesMax} are taken`;
    return refused(refusal('too_large', said, { field: 'workflow' }));
  }
  const shape = decode(workflowShapeSchema, given, 'workflow');
  if (!shape.ok) return shape;
  const { tasks, ...rest } = shape.value;
  const specs = await inChunks(tasks, specsPerTurn, (chunk, start) =>
    chunk.map(({ spec, ...task }, at) => {
      const decoded = decodeSpec(spec, `tasks.${start + at}.spec`);
      return decoded.ok ? accepted({ ...task, spec: decoded.value }) : decoded;
    }),
  );
  const good: Workflow['tasks'] = [];
  for (const spec of specs)
    if (spec.ok) good.push(spec.value);
    else return spec;
  return accepted({ ...rest, tasks: good });
}

function getGroup(groupId: TaskId, { view }: ConsolePorts): Outcome<GroupDetail, Refusal> {
  const found = view.group(groupId);
  if (found) return accepted(found);
  const said = `there is no live array and no workflow ${formatTaskId(groupId)}, or it ended long ago`;
  return refused(refusal('unknown_task', said, { field: 'groupId' }));
}

/**
 * Each after all that it waits for, and given to the core in one go: a task that fails again at once must not be in the
 * way of those that come after it.
 */
async function retryMembers(
  members: readonly MemberRow[],
  actor: string,
  ports: ConsolePorts,
): Promise<readonly TaskAnswer[]> {
  const places = new Map(members.map(({ ref }, at) => [ref, at]));
  const order = orderOf(members.map(({ after }) => after.map((ref) => places.get(ref) ?? 0)));
  const ids = order.flatMap((at) => {
    const { state, taskId: id } = members[at] ?? {};
    return id !== undefined && isFailed(state) ? [id] : [];
  });
  return inChunks(ids, commandsPerCycleMax, async (chunk) => {
    const commands = await Promise.all(chunk.map((id) => requeueCommand(id, actor, ports)));
    return Promise.all(
      commands.map(async (command, at): Promise<TaskAnswer> => {
        const outcome = command.ok ? await ports.execute(command.value) : command;
        return outcome.ok
          ? { ok: true }
          : { ok: false, taskId: chunk[at] ?? taskId(0), refusal: outcome.reason };
      }),
    );
  });
}
const isFailed = (state: MemberRow['state'] | undefined): boolean =>
  state === 'dead_letter' || state === 'cancelled' || state === 'unknown';

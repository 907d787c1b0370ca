// The group that a task is of, or is itself, as the detail pane names it.
import { formatTaskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { TaskGroupRef, TaskRecord } from '../../scheduler/protocol/task.ts';
import { formatCount } from '../format/quantity.ts';
import type { Translate } from '../i18n/i18n.ts';

interface ShownGroup {
  readonly kind: TaskGroupRef['kind'];
  readonly groupId: TaskId;
  readonly text: string;
}

/** Undefined for a task by itself. */
export function groupOf(record: TaskRecord, t: Translate): ShownGroup | undefined {
  const { taskId, group, spec, workflow } = record;
  if (group) {
    const { kind, groupId, index, size } = group;
    const named = { place: formatCount(index + 1), size: formatCount(size), id: formatTaskId(groupId) };
    return { kind, groupId, text: t(`task.group.${kind}`, named) };
  }
  const [kind, size] = spec.array
    ? (['array', spec.array.count] as const)
    : (['workflow', workflow?.size] as const);
  if (size === undefined) return undefined;
  return { kind, groupId: taskId, text: t(`task.groupItself.${kind}`, { size: formatCount(size) }) };
}

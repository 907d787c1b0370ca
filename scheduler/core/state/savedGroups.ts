// Groups of tasks in a snapshot and a digest.
import { dependencyRules } from '../../protocol/workflow.ts';
import { addArray } from './appliers/arrays.ts';
import type { ArrayRow } from './arrayTable.ts';
import type { SchedulerState } from './schedulerState.ts';
import type { Ended, WorkflowRow } from './workflowTable.ts';

/** What an array's row cannot be worked out from. */
interface SavedArray extends Pick<ArrayRow, 'groupId' | 'spec' | 'submitter' | 'submittedAtMs' | 'next'> {
  readonly ended: readonly number[];
  readonly cancelReason?: string;
  readonly gone?: readonly number[];
}
export const arrayTable = {
  name: 'arrays',
  rows: (state: SchedulerState): readonly SavedArray[] =>
    [...state.arrays.all()].map(
      ({ groupId, spec, submitter, submittedAtMs, next, ended, cancelReason, gone }): SavedArray => ({
        groupId,
        spec,
        submitter,
        submittedAtMs,
        next,
        ended: [ended.succeeded, ended.dead_letter, ended.cancelled, ended.unknown],
        ...(cancelReason !== undefined && { cancelReason }),
        ...(gone.size > 0 && { gone: [...gone] }),
      }),
    ),
  take: (state: SchedulerState, rows: readonly SavedArray[]) => {
    for (const { next, ended, cancelReason, gone = [], ...origin } of rows) {
      const row = addArray(state, origin);
      const [succeeded = 0, dead_letter = 0, cancelled = 0, unknown = 0] = ended;
      row.next = next;
      Object.assign(row.ended, { succeeded, dead_letter, cancelled, unknown });
      row.cancelReason = cancelReason;
      for (const index of gone) row.gone.add(index);
    }
  },
};

interface SavedWorkflow extends Pick<WorkflowRow, 'groupId' | 'name' | 'submitter' | 'submittedAtMs'> {
  readonly key?: string;
  readonly cancelReason?: string;
  readonly members: readonly (readonly [
    ref: string,
    after: readonly number[],
    when: number,
    ended: number,
  ])[];
}
/** In this order in snapshots: a new one goes to the end. */
const endWords: readonly (Ended | undefined)[] = [
  undefined,
  'succeeded',
  'dead_letter',
  'cancelled',
  'unknown',
];

/** Ended ones first, in the order of their ends: the oldest are forgotten first. */
export const workflowTable = {
  name: 'workflows',
  rows: ({ workflows }: SchedulerState): readonly SavedWorkflow[] => {
    const live = [...workflows.all()].filter((row) => !workflows.isClosed(row));
    return [...workflows.ended(), ...live.sort((a, b) => a.groupId - b.groupId)].map(savedWorkflow);
  },
  take: ({ tasks, workflows }: SchedulerState, rows: readonly SavedWorkflow[]) => {
    for (const { key, cancelReason, members, ...rest } of rows) {
      const named = members.map(([ref, , when]) => ({ ref, when: dependencyRules[when] ?? 'all_success' }));
      const row = workflows.add({ ...rest, key, tasks: named, links: members.map(([, after]) => after) });
      for (const [at, [, , , how]] of members.entries())
        if (endWords[how] !== undefined) workflows.setEnded(row, at, endWords[how]);
      row.cancelReason = cancelReason;
      if (row.live === 0) workflows.close(row);
      else if (key !== undefined) tasks.claimKey(key, row.groupId);
    }
  },
};

function savedWorkflow(row: WorkflowRow): SavedWorkflow {
  const { groupId, name, key, submitter, submittedAtMs, cancelReason, members } = row;
  return {
    ...{ groupId, name, submitter, submittedAtMs },
    ...(key !== undefined && { key }),
    ...(cancelReason !== undefined && { cancelReason }),
    members: members.map(({ ref, after, when, ended }) => [
      ref,
      after,
      dependencyRules.indexOf(when),
      endWords.indexOf(ended),
    ]),
  };
}

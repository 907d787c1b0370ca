// Groups of tasks in a snapshot and a digest.
import { addArray } from './appliers/arrays.ts';
import type { ArrayRow } from './arrayTable.ts';
import type { SchedulerState } from './schedulerState.ts';

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

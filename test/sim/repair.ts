// What `journal repair` does after a journal came back shorter than it was: gives no number again that the lost batches
// may have given, and ends what history knows to have ended.
import { Core } from '../../scheduler/core/cycle.ts';
import type { SchedulerState } from '../../scheduler/core/state/schedulerState.ts';
import { ms, taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../../scheduler/protocol/events.ts';
import type { FakeDisk } from './fakeDisk.ts';
import type { FakeHistory } from './fakeHistory.ts';

/** More than any lost part can have given out. */
const numbersSkipped = 1_000_000;

export type RepairEvent = Extract<Event, { kind: 'journal_repaired' }>;

export function repair(
  disk: FakeDisk,
  history: FakeHistory,
  change: (event: RepairEvent) => RepairEvent = (event) => event,
): void {
  const core = new Core();
  // Told first: what was put back in the part that is left counts as live again.
  for (const batch of disk.batchesAfter(0)) history.store(batch, core.replay(batch));
  const { state } = core;
  const sequence = state.sequence + 1;
  const known = [...state.tasks.all()].map(({ taskId }) => taskId).concat(idsOfArrays(state));
  const ended = known.filter((id) => history.knowsAsEnded(id)).sort((a, b) => a - b);
  const event: RepairEvent = {
    kind: 'journal_repaired',
    nextTaskId: state.nextTaskId + numbersSkipped,
    nextToken: state.nextToken + numbersSkipped,
    ended,
  };
  const batch: Batch = { sequence, atMs: ms(state.lastBatchAtMs), events: [change(event)] };
  disk.repair(batch);
  history.setBack(sequence);
}

/** Arrays, and those of their elements that are no tasks yet. */
const idsOfArrays = ({ arrays }: SchedulerState): TaskId[] =>
  [...arrays.all()].flatMap(({ groupId, next, size }) => [
    groupId,
    ...Array.from({ length: size - next }, (_, at) => taskId(groupId + 1 + next + at)),
  ]);

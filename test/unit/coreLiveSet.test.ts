// All live tasks that match, as a cancel needs them; and live lists by group and by missed deadline.
import { describe, expect, test } from 'vitest';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { arrayReadyMax } from '../../scheduler/protocol/limits.ts';
import type { TaskFilter } from '../../scheduler/protocol/view.ts';
import { startedCore, startMs } from './coreStage.ts';

type Stage = ReturnType<typeof startedCore>;
const listed = ({ core }: Stage, filter: TaskFilter): readonly number[] =>
  core
    .view()
    .liveTasks(filter, undefined, 10_000)
    .rows.map(({ taskId }) => taskId);

describe('the live set of a filter', () => {
  test('has tasks one by one, newest first, without those that are being cancelled', () => {
    const stage = startedCore();
    stage.join('N1', { resources: { slots: 1 } });
    const running = stage.submitOne();
    const waiting = [stage.submitOne({ queue: 'default' }), stage.submitOne()];
    stage.give({ kind: 'CancelTask', taskId: running, actor: 'ann', reason: '' });
    expect(stage.core.view().task(running)?.state).toBe('cancelling');
    expect(stage.core.view().liveSet({})).toEqual({
      taskIds: [...waiting].reverse(),
      groups: [],
      unbegun: 0,
    });
    expect(stage.core.view().liveSet({ states: ['running'] }).taskIds).toEqual([]);
  });

  test('has an array as a whole, with elements that have not begun, where no states are named', () => {
    const stage = startedCore();
    const size = arrayReadyMax + 1_000;
    const groupId = stage.submitOne({ array: { count: size }, labels: { order: '7' } });
    const other = stage.submitOne();
    const view = stage.core.view();
    const whole = { groups: [{ groupId, tasks: size }], unbegun: 1_000 };
    expect(view.liveSet({})).toEqual({ ...whole, taskIds: [other] });
    expect(view.liveSet({ labels: { order: '7' } })).toEqual({ ...whole, taskIds: [] });
    expect(view.liveSet({ groupId })).toEqual({ ...whole, taskIds: [] });
    expect(view.liveSet({ groupId: other }).groups).toEqual([]);
    expect(view.liveSet({ labels: { order: '8' } })).toEqual({ taskIds: [], groups: [], unbegun: 0 });
    // Who names states means tasks that have them: elements that have begun.
    const begun = view.liveSet({ states: ['ready'], labels: { order: '7' } });
    expect(begun.taskIds).toHaveLength(arrayReadyMax);
    expect(begun.groups).toEqual([]);
  });

  test('has a gang once, since it is cancelled as one', () => {
    const stage = startedCore();
    const groupId = stage.submitOne({ gang: { size: 5 } });
    expect(stage.core.view().liveSet({})).toEqual({
      taskIds: [],
      groups: [{ groupId, tasks: 5 }],
      unbegun: 0,
    });
    stage.give({ kind: 'CancelTask', taskId: groupId, actor: 'ann', reason: '' });
    expect(stage.core.state.tasks.size).toBe(0);
  });
});

describe('live lists', () => {
  test('of a group have its members alone', () => {
    const stage = startedCore();
    const groupId = stage.submitOne({ array: { count: 3 } });
    const gang = stage.submitOne({ gang: { size: 2 } });
    stage.submitOne();
    expect(listed(stage, { groupId })).toEqual([groupId + 3, groupId + 2, groupId + 1]);
    expect(listed(stage, { groupId: gang })).toEqual([gang + 2, gang + 1]);
    expect(listed(stage, { groupId, states: ['running'] })).toEqual([]);
    expect(stage.core.view().liveGroups({ groupId }, 'state')).toEqual(new Map([['ready', 3]]));
    expect(listed(stage, { groupId: (gang + 1) as TaskId })).toEqual([]);
  });

  test('of missed deadlines have tasks that are past theirs, and rows tell it', () => {
    const stage = startedCore();
    const late = stage.submitOne({ deadlineMs: startMs + 2_000 });
    const later = stage.submitOne({ deadlineMs: startMs + 60_000 });
    stage.submitOne();
    expect(listed(stage, { missedDeadline: true })).toEqual([]);
    stage.wait(5_000);
    expect(listed(stage, { missedDeadline: true })).toEqual([late]);
    expect(stage.core.view().taskRow(later)).toMatchObject({ deadlineMs: startMs + 60_000 });
  });
});

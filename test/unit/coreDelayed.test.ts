// Tasks that are not to start before their time: held, released by a timer, across restarts, cancelled meanwhile.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { kindsOf, startedCore, startMs } from './coreStage.ts';

const actor = 'ann';
const minuteMs = 60_000;
const notBeforeMs = startMs + minuteMs;
const nodes = { cpu: 4_000 };

describe('a delayed task', () => {
  test('is held until its time and starts then, not a tick before', () => {
    const { core, join, submitOne, wait, now, beat } = startedCore();
    join('N1', { resources: nodes });
    const beats = () => [beat('N1')];
    const id = submitOne({ notBeforeMs });
    expect(core.view().taskRow(id)).toMatchObject({ state: 'held', waiting: 'held' });
    expect(core.view().taskCounts()).toMatchObject({ held: 1, ready: 0 });
    expect(core.nextDueMs()).toBeLessThanOrEqual(notBeforeMs);
    const before = wait(minuteMs - 500, beats);
    expect(before.filter((event) => event.kind === 'attempt_placed')).toEqual([]);
    const events = wait(500, beats);
    expect(now()).toBe(notBeforeMs);
    expect(kindsOf(events).slice(-2)).toEqual(['task_ready', 'attempt_placed']);
  });

  test('is in line at once where its time has passed', () => {
    const { core, submitOne } = startedCore();
    const id = submitOne({ notBeforeMs: startMs });
    expect(core.view().taskRow(id)?.state).toBe('ready');
  });

  test('why says until when', () => {
    const { core, join, submitOne } = startedCore();
    join('N1', { resources: nodes });
    const why = core.view().why(submitOne({ notBeforeMs }));
    expect(why).toMatchObject({ dominant: 'DELAYED', waiting: 'held', untilMs: notBeforeMs });
  });

  test.each(['snapshot', 'replay'])('comes back after a restart by %s, and its timer with it', (way) => {
    const first = startedCore();
    const id = first.submitOne({ notBeforeMs });
    const core = way === 'snapshot' ? Core.restored(first.core.snapshotParts()) : new Core();
    if (way === 'replay') {
      core.replay({
        sequence: 1,
        atMs: startMs as never,
        events: [{ kind: 'epoch_started', epoch: 1 as never, seed: 7 }],
      });
      const spec = first.core.state.tasks.mustGet(id).spec;
      const admitted = { kind: 'task_admitted', taskId: id, spec, submitter: actor } as const;
      core.replay({ sequence: 2, atMs: startMs as never, events: [admitted] });
    }
    expect(core.digest()).toBe(first.core.digest());
    const after = startedCore(undefined, core);
    after.join('N1', { resources: nodes });
    expect(kindsOf(after.wait(minuteMs - 500))).not.toContain('task_ready');
    expect(kindsOf(after.wait(1_000))).toContain('task_ready');
  });

  test('cancelled while it is held, it ends at once and its timer finds nothing; put back, it waits again', () => {
    const { core, give, submitOne, wait } = startedCore();
    const id = submitOne({ notBeforeMs });
    const { ended } = give({ kind: 'CancelTask', taskId: id, actor, reason: '' });
    expect(ended).toMatchObject([{ taskId: id, state: 'cancelled', reason: 'cancelled by ann' }]);
    const [record] = ended;
    if (!record) throw new Error('no record');
    give({ kind: 'RequeueTask', record, actor });
    expect(core.view().taskRow(id)?.state).toBe('held');
    expect(kindsOf(wait(minuteMs)).filter((kind) => kind === 'task_ready')).toHaveLength(1);
  });
});

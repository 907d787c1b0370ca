// Admission as its specification: keys, unknown queues, full tables, and what a person may do to a task afterwards.
import { describe, expect, test } from 'vitest';
import { queueName, taskId } from '../../scheduler/protocol/brands.ts';
import { askClassesMax, liveTasksMax, rememberedKeysMax } from '../../scheduler/protocol/limits.ts';
import { failure, liveOf, reasonOf, startedCore, success, taskSpec } from './coreStage.ts';

const actor = 'ann';

describe('submit', () => {
  test('tasks are numbered in order of admission', () => {
    const { submit } = startedCore();
    expect(submit({}, {})).toEqual([
      { ok: true, taskId: 1 },
      { ok: true, taskId: 2 },
    ]);
  });

  test('one refused spec does not refuse the others', () => {
    const { submit } = startedCore();
    expect(submit({}, { queue: 'nowhere' }, {}).map(({ ok }) => ok)).toEqual([true, false, true]);
  });

  test('an unknown queue is refused by name, with those that exist and the next step', () => {
    const { submit, give } = startedCore();
    give({ kind: 'PutQueue', queue: queueName('press'), change: { weight: 2 }, actor });
    const [answer] = submit({ queue: 'pres' });
    expect(answer).toEqual({
      ok: false,
      refusal: {
        code: 'unknown_queue',
        field: 'queue',
        message: 'queue pres does not exist (there are: default, press); create it first or use one of these',
      },
    });
  });

  test('the same key again is the same task, live or ended', () => {
    const { submit, submitOne, join, ended, core } = startedCore();
    const first = submitOne({ key: 'order-1' });
    expect(submit({ key: 'order-1' })).toEqual([{ ok: true, taskId: first }]);
    join('N1');
    ended('N1', first, liveOf(core, first).token, success);
    expect(core.state.tasks.get(first)).toBeUndefined();
    expect(submit({ key: 'order-1' })).toEqual([{ ok: true, taskId: first }]);
  });

  test('two specs with one key in one call are one task', () => {
    const { submit } = startedCore();
    expect(submit({ key: 'k' }, { key: 'k' })).toEqual([
      { ok: true, taskId: 1 },
      { ok: true, taskId: 1 },
    ]);
  });

  test('a key for something else is a conflict, and says whose it is', () => {
    const { submit } = startedCore();
    submit({ key: 'order-1' });
    const [answer] = submit({ key: 'order-1', priority: 9 });
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'key_conflict', field: 'key' } });
    expect(JSON.stringify(answer)).toContain('belongs to T-1');
  });

  test('keys of ended tasks are forgotten oldest first, keys of live ones never', () => {
    const { core, submitOne } = startedCore();
    const live = submitOne({ key: 'live' });
    for (let at = 0; at <= rememberedKeysMax; at += 1)
      core.state.tasks.rememberKey(`old-${String(at)}`, taskId(1e6 + at));
    expect(core.state.tasks.byKey('live')).toBe(live);
    expect(core.state.tasks.byKey('old-0')).toBeUndefined();
    expect(core.state.tasks.byKey(`old-${String(rememberedKeysMax)}`)).toBeDefined();
  });

  test('a full table refuses with queue_full, says the limit, and a time to come back', () => {
    const { core, submit } = startedCore();
    Object.defineProperty(core.state.tasks, 'size', { get: () => liveTasksMax });
    const [answer] = submit({});
    expect(answer).toMatchObject({ ok: false, refusal: { code: 'queue_full', retryAfterMs: 60_000 } });
    expect(JSON.stringify(answer)).toContain(String(liveTasksMax));
  });

  test('the time to come back follows from how fast tasks end', () => {
    const { core, submit, now } = startedCore();
    for (let at = 0; at < 100; at += 1) core.state.ends.count(now() + at * 10);
    Object.defineProperty(core.state.tasks, 'size', { get: () => liveTasksMax });
    expect(submit({})[0]).toMatchObject({ refusal: { retryAfterMs: 10_000 } }); // 1,000 places at 100 per second
  });

  test('a new kind of ask is refused where too many are live, a known one is not', () => {
    const { core, submit } = startedCore();
    for (let at = 0; at < askClassesMax; at += 1)
      core.state.classes.useAskClass(taskSpec({ ask: { cpu: at } }));
    expect(submit({ ask: { cpu: askClassesMax + 1 } })[0]).toMatchObject({
      ok: false,
      refusal: { code: 'class_limit' },
    });
    expect(submit({ ask: { cpu: 5 } })[0]).toMatchObject({ ok: true });
  });
});

describe('cancel', () => {
  const cancel = (id: number) =>
    ({ kind: 'CancelTask', taskId: taskId(id), actor, reason: 'wrong part' }) as const;

  test('a waiting task ends at once', () => {
    const { give, submitOne } = startedCore();
    const { ended } = give(cancel(submitOne()));
    expect(ended).toMatchObject([{ taskId: 1, state: 'cancelled', reason: 'wrong part', attempts: [] }]);
  });

  test('a task in backoff ends at once', () => {
    const { give, submitOne, join, ended, core } = startedCore();
    join('N1');
    const id = submitOne();
    ended('N1', id, liveOf(core, id).token, failure);
    expect(core.state.tasks.get(id)?.state).toBe('backoff');
    expect(give(cancel(id)).ended).toMatchObject([{ state: 'cancelled' }]);
  });

  test.each(['dispatched', 'running'] as const)(
    'a %s task is asked to stop, and ends when its agent says so',
    (state) => {
      const { give, submitOne, join, ended, started, core } = startedCore();
      join('N1');
      const id = submitOne();
      const { token } = liveOf(core, id);
      if (state === 'running') started('N1', token);
      expect(core.state.tasks.get(id)?.state).toBe(state);
      const asked = give(cancel(id));
      expect(asked.stops).toEqual([token]);
      expect(core.state.tasks.get(id)?.state).toBe('cancelling');
      expect(ended('N1', id, token, { reason: 'cancelled' }).ended).toMatchObject([
        { state: 'cancelled', reason: 'wrong part' },
      ]);
    },
  );

  test('a second cancel asks the agent again and changes nothing else', () => {
    const { give, submitOne, join, core } = startedCore();
    join('N1');
    const id = submitOne();
    give(cancel(id));
    const again = give(cancel(id));
    expect(again.events).toEqual([]);
    expect(again.stops).toEqual([liveOf(core, id).token]);
  });

  test('a task that ends well before the stop reaches it has succeeded', () => {
    const { give, submitOne, join, ended, core } = startedCore();
    join('N1');
    const id = submitOne();
    const { token } = liveOf(core, id);
    give(cancel(id));
    expect(ended('N1', id, token, success).ended).toMatchObject([{ state: 'succeeded' }]);
  });

  test('a cancelled task whose node is gone ends with its lease, and is not tried again', () => {
    const { give, submitOne, join, wait, core } = startedCore();
    join('N1');
    const id = submitOne();
    give(cancel(id));
    const kinds = wait(60_000).map(({ kind }) => kind);
    expect(kinds).toContain('task_cancelled');
    expect(core.state.tasks.size).toBe(0);
  });

  test('an ended or unknown task is refused', () => {
    const { give } = startedCore();
    expect(reasonOf(give(cancel(99)).answers[0])).toMatchObject({ code: 'wrong_state', field: 'taskId' });
  });
});

describe('requeue', () => {
  test('a dead task gets a fresh start: its attempts, its losses and its backoff count anew', () => {
    const { give, submitOne, join, ended, wait, core } = startedCore();
    join('N1');
    const id = submitOne({ retry: { attemptsMax: 2, backoffMs: 1_000 } });
    ended('N1', id, liveOf(core, id).token, failure);
    wait(3_000, () => [startBeat]);
    const [record] = ended('N1', id, liveOf(core, id).token, failure).ended;
    if (!record) throw new Error('it should be dead');
    expect(record).toMatchObject({ state: 'dead_letter', reason: '2 of 2 attempts failed: exit code 1' });
    give({ kind: 'RequeueTask', record, actor });
    expect(liveOf(core, id)).toMatchObject({ attempt: 3 });
    const { events } = ended('N1', id, liveOf(core, id).token, failure);
    const backedOff = events.find((event) => event.kind === 'task_backed_off');
    expect(backedOff && backedOff.untilMs - core.state.lastBatchAtMs).toBeLessThanOrEqual(1_250);
  });

  test('a live task and one that succeeded are refused', () => {
    const { give, submitOne, join, ended, core } = startedCore();
    join('N1');
    const id = submitOne();
    const live = core.view().task(id);
    const [done] = ended('N1', id, liveOf(core, id).token, success).ended;
    if (!live || !done) throw new Error('both exist');
    expect(reasonOf(give({ kind: 'RequeueTask', record: live, actor }).answers[0])?.code).toBe('wrong_state');
    expect(reasonOf(give({ kind: 'RequeueTask', record: done, actor }).answers[0])?.message).toContain(
      'has succeeded',
    );
  });
  const startBeat = startedCore().beat('N1');
});

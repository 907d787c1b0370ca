// Workflows: refused as a whole, released as tasks end, ended with what they need, put back, and kept across restarts.
import { describe, expect, test } from 'vitest';
import * as v from 'valibot';
import { Core } from '../../scheduler/core/cycle.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { ms, taskId, type TaskId } from '../../scheduler/protocol/brands.ts';
import { isEnd } from '../../scheduler/protocol/endEvents.ts';
import type { TaskRecord } from '../../scheduler/protocol/task.ts';
import { rowOfRecord } from '../../scheduler/protocol/taskRow.ts';
import { workflowSchema } from '../../scheduler/protocol/workflow.ts';
import { failure, kindsOf, reasonOf, startedCore, startMs, success } from './coreStage.ts';

const actor = 'ann';
const big = { resources: { cpu: 1_000_000, memory: 1_000_000, slots: 5_000 } };
type Given = readonly (readonly [ref: string, after: readonly string[], when?: string, spec?: object])[];

function stage(core?: Core) {
  const started = startedCore(undefined, core);
  started.join('N1', big);
  const give = (tasks: Given, key?: string) => {
    const spec = { work: { kind: 'simulated', runMs: 1 }, retry: { attemptsMax: 1 } };
    const input = {
      ...(key !== undefined && { key }),
      tasks: tasks.map(([ref, after, when = 'all_success', more = {}]) => ({
        ...{ ref, after, when },
        spec: { ...spec, ...more },
      })),
    };
    return started.give({ kind: 'SubmitWorkflow', workflow: v.parse(workflowSchema, input), actor });
  };
  /** The ids by ref. */
  const submit = (tasks: Given) => {
    const [outcome] = give(tasks).answers;
    const [answer] = outcome?.ok === true ? (outcome.value.answers ?? []) : [];
    if (answer?.ok !== true) throw new Error(JSON.stringify(outcome));
    const group = answer.taskId;
    const idOf = (ref: string): TaskId => taskId(group + 1 + tasks.findIndex(([each]) => each === ref));
    const states = () =>
      started.core
        .view()
        .group(group)
        ?.members?.map(({ state }) => state);
    const end = (ref: string, how: AttemptEnd = success): readonly TaskRecord[] => {
      const live = started.core.state.tasks.get(idOf(ref))?.live;
      if (!live) throw new Error(`${ref} does not run`);
      return started.ended('N1', idOf(ref), live.token, how).ended;
    };
    return { group, idOf, states, end };
  };
  const retry = (record: TaskRecord | undefined) => {
    if (!record) throw new Error('no record');
    return started.give({ kind: 'RequeueTask', record, actor });
  };
  return { ...started, give, command: started.give, submit, retry };
}

describe('a workflow', () => {
  test('is taken in by one event; what comes after nothing starts, the rest waits and says for whom', () => {
    const { core, give, submit } = stage();
    const { events } = give([['a', []]]);
    expect(kindsOf(events)).toEqual(['workflow_admitted', 'attempt_placed']);
    const { idOf, states } = submit([
      ['a', []],
      ['b', ['a']],
    ]);
    expect(states()).toEqual(['dispatched', 'held']);
    expect(core.view().why(idOf('b'))).toMatchObject({
      dominant: 'DEPENDENCY',
      waiting: 'held',
      waitsFor: [{ taskId: idOf('a'), ref: 'a' }],
    });
  });

  test('releases each task when those before it have succeeded, and ends with the last', () => {
    const { core, submit } = stage();
    const { end, states, group } = submit([
      ['d', ['b', 'c']],
      ['a', []],
      ['b', ['a']],
      ['c', ['a']],
    ]);
    end('a');
    expect(states()).toEqual(['held', 'succeeded', 'dispatched', 'dispatched']);
    end('b');
    expect(states()?.[0]).toBe('held');
    end('c');
    expect(states()?.[0]).toBe('dispatched');
    end('d');
    expect(core.state.workflows.live).toBe(0);
    expect(core.view().group(group)?.group.ended).toMatchObject({ succeeded: 4 });
  });

  test('ends what can never start, all the way down, with the reason; other rules go on', () => {
    const { submit } = stage();
    const { end, states, idOf } = submit([
      ['a', []],
      ['b', ['a']],
      ['c', ['b']],
      ['clean', ['a', 'c'], 'all_ended'],
      ['x', []],
      ['any', ['a', 'x'], 'any_success'],
    ]);
    const ended = end('a', failure);
    expect(ended.map(({ taskId: id, state, reason }) => [id, state, reason])).toEqual([
      [idOf('a'), 'dead_letter', '1 of 1 attempts failed: exit code 1'],
      [idOf('b'), 'cancelled', 'needs a, which failed'],
      [idOf('c'), 'cancelled', 'needs b, which was cancelled'],
    ]);
    expect(states()).toEqual(['dead_letter', 'cancelled', 'cancelled', 'dispatched', 'dispatched', 'held']);
    const last = end('x', failure);
    expect(last.at(-1)?.reason).toBe('needs one of a, x; none succeeded');
  });

  test('a task that is released before its time waits for that too', () => {
    const { core, submit, wait, beat } = stage();
    const { end, idOf } = submit([
      ['a', []],
      ['b', ['a'], 'all_success', { notBeforeMs: startMs + 10_000 }],
    ]);
    end('a');
    expect(core.view().why(idOf('b'))).toMatchObject({ dominant: 'DELAYED', untilMs: startMs + 10_000 });
    wait(10_000, () => [beat('N1')]);
    expect(core.state.tasks.get(idOf('b'))?.live).toBeDefined();
  });

  test('cancelled as a whole, nothing of it starts any more', () => {
    const { core, command, submit, end } = (() => {
      const started = stage();
      return { ...started, end: started.ended };
    })();
    const { group, states, idOf } = submit([
      ['a', []],
      ['b', ['a'], 'all_ended'],
    ]);
    const { stops } = command({ kind: 'CancelTask', taskId: group, actor, reason: 'wrong' });
    expect(stops).toHaveLength(1);
    expect(states()).toEqual(['cancelling', 'cancelled']);
    end('N1', idOf('a'), stops[0] ?? (0 as never), { reason: 'cancelled' });
    expect(core.state.workflows.live).toBe(0);
    const again = command({ kind: 'CancelTask', taskId: group, actor, reason: '' });
    expect(reasonOf(again.answers[0])?.code).toBe('wrong_state');
  });
});

describe('put back', () => {
  test('a failed task and then what was cancelled for it; the other way round is refused', () => {
    const { retry, submit, core } = stage();
    const { end, states } = submit([
      ['a', []],
      ['b', ['a']],
    ]);
    const [a, b] = end('a', failure);
    expect(core.state.workflows.live).toBe(0);
    expect(reasonOf(retry(b).answers[0])?.message).toContain('needs a, which failed; retry workflow');
    retry(a);
    retry(b);
    expect(states()).toEqual(['dispatched', 'held']);
    expect(core.state.workflows.live).toBe(1);
    end('a');
    end('b');
    expect(states()).toEqual(['succeeded', 'succeeded']);
  });
});

describe('across a restart', () => {
  test('a snapshot keeps the graph and the ends', () => {
    const first = stage();
    const { end, group } = first.submit([
      ['a', []],
      ['b', ['a']],
      ['c', ['b'], 'all_ended'],
    ]);
    end('a');
    const core = Core.restored(first.core.snapshotParts());
    expect(core.digest()).toBe(first.core.digest());
    expect(core.view().group(group)).toEqual(first.core.view().group(group));
  });

  test('what the journal lost counts as no success', () => {
    const { core, submit, give } = stage();
    const { states, idOf } = submit([
      ['a', []],
      ['b', ['a']],
      ['c', ['a'], 'all_ended'],
    ]);
    const event = { kind: 'journal_repaired', nextTaskId: 1, nextToken: 1, ended: [idOf('a')] } as const;
    core.replay({ sequence: core.state.sequence + 1, atMs: startMs as never, events: [event] });
    give([['z', []]]);
    expect(states()).toEqual(['unknown', 'cancelled', 'dispatched']);
  });
});

describe('refused as a whole', () => {
  const refusal = (tasks: Given) => reasonOf(stage().give(tasks).answers[0]);

  test.each<[string, Given, object]>([
    [
      'a cycle, which it names',
      [
        ['x', []],
        ['a', ['b']],
        ['b', ['c', 'x']],
        ['c', ['a']],
        ['late', ['c']],
      ],
      {
        code: 'bad_message',
        message: expect.stringMatching(/(a -> c -> b -> a|b -> a -> c -> b|c -> b -> a -> c)/) as string,
      },
    ],
    ['a task after itself', [['a', ['a']]], { field: 'tasks.0.after' }],
    [
      'a ref twice',
      [
        ['a', []],
        ['a', []],
      ],
      { field: 'tasks.1.ref' },
    ],
    [
      'an unknown ref',
      [
        ['a', []],
        ['b', ['q']],
      ],
      { field: 'tasks.1.after' },
    ],
    [
      'an unknown queue',
      [['a', [], 'all_success', { queue: 'q' }]],
      { code: 'unknown_queue', field: 'tasks.0.spec.queue' },
    ],
    ['an array', [['a', [], 'all_success', { array: { count: 2 } }]], { field: 'tasks.0.spec.array' }],
    ['a key of one task', [['a', [], 'all_success', { key: 'k' }]], { field: 'tasks.0.spec.key' }],
  ])('%s', (_what, tasks, expected) => {
    expect(refusal(tasks)).toMatchObject(expected);
  });

  test('the same key answers with the first, while it lives and afterwards', () => {
    const { give, core } = stage();
    const [first] = give([['a', []]], 'k').answers;
    const again = give([['a', []]], 'k');
    expect(again.answers[0]).toEqual(first);
    expect(again.batch).toBeUndefined();
    expect(core.state.workflows.live).toBe(1);
  });
});

describe('the record of a workflow', () => {
  test('leaves for history with its end, after those of its tasks', () => {
    const { submit, core } = stage();
    const one = { queue: 'default', tenant: 'paint', priority: 7 };
    const { group, end } = submit([
      ['a', [], 'all_success', one],
      ['b', ['a'], 'all_success', one],
    ]);
    expect(core.view().task(group)).toMatchObject({ state: 'running', workflow: { size: 2 } });
    end('a');
    const ended = end('b', failure);
    expect(ended.map(({ taskId: id }) => id - group)).toEqual([2, 0]);
    expect(ended[1]).toMatchObject({
      state: 'dead_letter',
      reason: '1 succeeded, 1 dead letter',
      spec: { queue: 'default', tenant: 'paint', priority: 7, work: { kind: 'simulated' } },
      workflow: { size: 2 },
      attempts: [],
    });
    expect(rowOfRecord(ended[1] ?? fail(), 'none')).toMatchObject({ kind: 'workflow', state: 'dead_letter' });
    expect(core.view().task(group)).toBeUndefined();
  });

  test('says by whom it was cancelled, and is live again with a task that is put back', () => {
    const { submit, core, command, retry } = stage();
    const { group, idOf, end } = submit([
      ['a', []],
      ['b', ['a']],
    ]);
    const first = end('a', failure);
    expect(first.at(-1)).toMatchObject({ taskId: group, reason: '1 dead letter, 1 cancelled' });
    retry(first.find(({ taskId: id }) => id === idOf('a')));
    expect(core.view().task(group)).toMatchObject({ state: 'running' });
    const { ended } = command({ kind: 'CancelTask', taskId: idOf('a'), actor, reason: '' });
    expect(ended).toHaveLength(0); // it runs: the agent ends it
    expect(end('a', failure).at(-1)).toMatchObject({ taskId: group, state: 'cancelled' });
  });

  test('cannot be put back by itself', () => {
    const { submit, retry } = stage();
    const { end } = submit([['a', []]]);
    const [, record] = end('a', failure);
    expect(reasonOf(retry(record).answers[0])?.message).toContain('retry it as a whole');
  });

  test('is missing where the journal is from before there were any, and replays as it was', () => {
    const { submit } = stage();
    const { group } = submit([['a', []]]);
    const ended = { kind: 'workflow_ended', groupId: group } as const;
    expect(isEnd(ended)).toBe(false);
    const core = new Core();
    const spec = { work: { kind: 'simulated', runMs: 1 } };
    const workflow = v.parse(workflowSchema, { tasks: [{ ref: 'a', spec }] });
    const id = taskId(5);
    const records = core.replay({
      sequence: 1,
      atMs: ms(startMs),
      events: [
        { kind: 'workflow_admitted', taskId: id, lastTaskId: taskId(6), workflow, submitter: actor },
        { kind: 'task_cancelled', taskId: taskId(6), reason: 'x' },
        { kind: 'workflow_ended', groupId: id },
      ],
    });
    expect(records.map(({ taskId: each }) => each)).toEqual([6]);
    const copy = Core.restored(core.snapshotParts());
    expect(copy.digest()).toBe(core.digest());
  });
});

function fail(): never {
  throw new Error('no record');
}

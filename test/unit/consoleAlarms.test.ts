// Alarms that come of numbers: queues that are late and a journal that is slow, with hysteresis.
import { describe, expect, test } from 'vitest';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { Hysteresis } from '../../scheduler/observe/hysteresis.ts';
import { LateQueues } from '../../scheduler/observe/lateQueues.ts';
import { SlowJournal } from '../../scheduler/observe/slowJournal.ts';
import { ms, nodeId, queueName } from '../../scheduler/protocol/brands.ts';
import { simulationActor } from '../../scheduler/protocol/simulation.ts';
import type { QueueRow } from '../../scheduler/protocol/view.ts';

function open() {
  const clock = { nowMs: 1_000_000 };
  const alarms = new Alarms(() => ms(clock.nowMs));
  const active = () => alarms.rows().flatMap((row) => (row.isActive ? [row.code] : []));
  return { clock, alarms, active };
}

test('hysteresis: what hovers between good and bad neither raises nor clears', () => {
  const state = new Hysteresis({ raiseAfterMs: 10, clearAfterMs: 10 });
  expect([0, 5].map((at) => state.update(at, 'bad'))).toEqual([false, false]);
  expect(state.update(9, 'between')).toBe(false);
  expect([10, 19, 20].map((at) => state.update(at, 'bad'))).toEqual([false, false, true]);
  expect([30, 50].map((at) => state.update(at, 'between'))).toEqual([true, true]);
  expect([60, 69, 70].map((at) => state.update(at, 'good'))).toEqual([true, true, false]);
});

describe('QUEUE_LATE', () => {
  function watch() {
    const { clock, alarms, active } = open();
    const queues = new LateQueues(alarms);
    /** Seconds pass with the oldest task of this age, or with none. */
    const pass = (seconds: number, ageS: number | undefined) => {
      for (let i = 0; i < seconds; i += 1) {
        clock.nowMs += 1_000;
        const row = {
          queue: queueName('q'),
          weight: 1,
          settings: { weight: 1, mode: 'open' as const },
          live: 0,
          allocated: { cpu: 0, memory: 0, gpu: 0 },
          share: 0,
          ready: 1,
          backlog: 2,
          blocked: 3,
          backoff: 0,
          active: 0,
        };
        const oldest = ageS === undefined ? {} : { oldestSubmittedAtMs: ms(clock.nowMs - ageS * 1_000) };
        queues.check([{ ...row, ...oldest } satisfies QueueRow], clock.nowMs);
      }
    };
    return { alarms, active, pass };
  }

  test('is raised once the oldest task has waited more than 60 s for 60 s, with its age and how many wait', () => {
    const { alarms, active, pass } = watch();
    pass(60, 61);
    expect(active()).toEqual([]);
    pass(1, 61);
    expect(alarms.rows()).toMatchObject([
      { code: 'QUEUE_LATE', source: 'q', priority: 3, params: { ageS: 61, limitS: 60, waiting: 6 } },
    ]);
  });

  test('stays one alarm while the age hovers at its limit, and clears when the queue flows for 10 s', () => {
    const { alarms, active, pass } = watch();
    pass(70, 90);
    for (let i = 0; i < 10; i += 1) {
      pass(5, 55);
      pass(5, 62);
    }
    expect(active()).toEqual(['QUEUE_LATE']);
    expect(alarms.rows()).toHaveLength(1);
    pass(10, undefined);
    expect(active()).toEqual(['QUEUE_LATE']);
    pass(1, 3);
    expect(active()).toEqual([]);
  });
});

describe('JOURNAL_SLOW', () => {
  function watch() {
    const { clock, alarms, active } = open();
    const journal = new SlowJournal(alarms);
    const pass = (seconds: number, fast: number, slow: number) => {
      for (let i = 0; i < seconds; i += 1) {
        clock.nowMs += 1_000;
        for (let n = 0; n < fast; n += 1) journal.committed(clock.nowMs, 2);
        for (let n = 0; n < slow; n += 1) journal.committed(clock.nowMs, 150);
        journal.check(clock.nowMs);
      }
    };
    return { alarms, active, pass };
  }

  test('is raised when more than a hundredth of the commits of 10 s take more than 100 ms, for 5 s', () => {
    const { alarms, pass } = watch();
    pass(10, 98, 2);
    expect(alarms.rows()).toMatchObject([
      { code: 'JOURNAL_SLOW', priority: 2, isActive: true, params: { slowestMs: 150, limitMs: 100 } },
    ]);
  });

  test('one stall, or a hundredth exactly, raises nothing', () => {
    const { active, pass } = watch();
    pass(1, 5, 1);
    pass(30, 5, 0);
    pass(30, 99, 1);
    expect(active()).toEqual([]);
  });

  test('clears when nothing was slow for 20 s after the last slow commit has left the window', () => {
    const { active, pass } = watch();
    pass(15, 10, 5);
    pass(25, 10, 0);
    expect(active()).toEqual(['JOURNAL_SLOW']);
    pass(6, 10, 0);
    expect(active()).toEqual([]);
  });
});

test('a simulated node that is taken away takes its alarm along; one that a person removes leaves it to be seen', () => {
  const { alarms, clock } = open();
  const event = (kind: 'node_lost' | 'node_forgotten', id: string, actor: string) => {
    const events = [{ kind, nodeId: nodeId(id), actor }];
    alarms.onBatch({ sequence: 1, atMs: ms(clock.nowMs), events });
  };
  event('node_lost', 'n1', '');
  event('node_lost', 'n2', '');
  event('node_forgotten', 'n1', simulationActor);
  event('node_forgotten', 'n2', 'ann');
  expect(alarms.rows().map(({ source, isActive }) => [source, isActive])).toEqual([['n2', false]]);
});

// Alarms of the host's own health, and whether it is ready.
import { expect, test } from 'vitest';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { readinessOf } from '../../scheduler/observe/readiness.ts';
import { SelfChecks } from '../../scheduler/observe/selfChecks.ts';
import { ms } from '../../scheduler/protocol/brands.ts';

function open() {
  const alarms = new Alarms(() => ms(0));
  const checks = new SelfChecks(alarms);
  const now = { nowMs: 0, gcMs: 0, wallMs: 1_000_000 };
  const pass = (seconds: number, { loopP99Ms = 0, gcShare = 0, stepMs = 0, isLogFailing = false } = {}) => {
    for (let at = 0; at < seconds; at += 1) {
      now.nowMs += 1_000;
      now.gcMs += gcShare * 1_000;
      now.wallMs += 1_000 + (at === 0 ? stepMs : 0);
      checks.check(now.nowMs, { loopP99Ms, gcMs: now.gcMs, wallMs: now.wallMs, isLogFailing });
    }
  };
  const active = () => alarms.rows().flatMap((row) => (row.isActive ? [row.code] : []));
  return { alarms, pass, active };
}

test('a late event loop is an alarm once it has lasted 30 s, and is over after 30 s well below', () => {
  const { pass, active } = open();
  pass(30, { loopP99Ms: 251 });
  expect(active()).toEqual([]);
  pass(1, { loopP99Ms: 251 });
  expect(active()).toEqual(['LOOP_LATE']);
  pass(60, { loopP99Ms: 200 });
  expect(active()).toEqual(['LOOP_LATE']);
  pass(31, { loopP99Ms: 10 });
  expect(active()).toEqual([]);
});

test('garbage collection is an alarm by its share of the time', () => {
  const { pass, active, alarms } = open();
  pass(60, { gcShare: 0.19 });
  expect(active()).toEqual([]);
  pass(31, { gcShare: 0.3 });
  expect(alarms.rows()).toMatchObject([{ code: 'GC_HEAVY', params: { percent: 30, limitPercent: 20 } }]);
});

test.each([5_000, -3_600_000])('a wall clock set by %i ms is an alarm for ten minutes', (stepMs) => {
  const { pass, active, alarms } = open();
  pass(5);
  pass(1, { stepMs });
  expect(alarms.rows()).toMatchObject([{ code: 'CLOCK_JUMPED', params: { seconds: stepMs / 1_000 } }]);
  pass(599);
  expect(active()).toEqual(['CLOCK_JUMPED']);
  pass(1);
  expect(active()).toEqual([]);
});

test('a clock that is slewed is none, and a log that is not written is one as long as it is not', () => {
  const { pass, active } = open();
  pass(2);
  pass(1, { stepMs: 4_900 });
  expect(active()).toEqual([]);
  pass(1, { isLogFailing: true });
  expect(active()).toEqual(['LOG_FAILED']);
  pass(1);
  expect(active()).toEqual([]);
});

test('readiness names each thing that is in the way', () => {
  const alarms = new Alarms(() => ms(0));
  const state = (isStopping: boolean, listening: number) =>
    readinessOf({ isStopping, alarms: alarms.rows(), edges: { wanted: 2, listening } });
  expect(state(false, 2)).toEqual({ isReady: true, reasons: [] });
  alarms.raise({ code: 'STORAGE_FAILED', source: 'journal' });
  alarms.raise({ code: 'DISK_LOW', source: 'disk' });
  const { isReady, reasons } = state(true, 1);
  expect(isReady).toBe(false);
  expect(reasons.map(({ code }) => code)).toEqual([
    'stopping',
    'journal_failing',
    'disk_low',
    'edges_missing',
  ]);
  alarms.clear('STORAGE_FAILED', 'journal');
  alarms.clear('DISK_LOW', 'disk');
  expect(state(false, 2).isReady).toBe(true);
});

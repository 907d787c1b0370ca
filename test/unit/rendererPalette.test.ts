// The palette finds what is meant, within a frame; traces and queues are drawn and summed as they are.
import { describe, expect, test } from 'vitest';
import type { PaletteItem } from '../../renderer/palette/paletteItem.ts';
import { scopeOf, searchItems, searchNames } from '../../renderer/palette/paletteSearch.ts';
import { drainsInS, queueLines } from '../../renderer/queues/queueRows.ts';
import { historyOf } from '../../renderer/queues/queueHistory.ts';
import { timeTicks, tracePath } from '../../renderer/trace/traceShape.ts';
import { ms, queueName } from '../../scheduler/protocol/brands.ts';
import type { MetricTrace } from '../../scheduler/protocol/fleetFrames.ts';
import { fakeTopology } from '../ui/fakeFleet.ts';

const names = fakeTopology(50_000).nodes;
const item = (id: string, text: string, initials?: string): PaletteItem => ({
  id,
  group: 'go',
  text,
  ...(initials === undefined ? {} : { initials }),
  run: () => undefined,
});

describe('palette', () => {
  test('PL-2 "bod l8 c3" finds BOD-L08-C03', () => {
    const found = searchNames(names, 'bod l8 c3', 12).map((at) => names[at]);
    expect(found).toHaveLength(12);
    expect(found.every((name) => name?.startsWith('BOD-L08-C03'))).toBe(true);
  });
  test('PL-1 a keystroke over 50,000 names is done within a frame', () => {
    searchNames(names, 'pow', 12);
    const took = ['p', 'po', 'pow l', 'pow l10 c2', 'n39'].map((text) => {
      const startedMs = performance.now();
      searchNames(names, text, 12);
      return performance.now() - startedMs;
    });
    // The median: one run may meet a garbage collection of the test runner.
    expect(took.sort((a, b) => a - b)[2]).toBeLessThan(16);
  });
  test('commands are found by words and by pinyin initials', () => {
    const items = [item('a', '总览', 'zl'), item('b', '热图', 'rlt'), item('c', 'Heat map')];
    expect(searchItems(items, 'rl').map(({ id }) => id)).toEqual(['b']);
    expect(searchItems(items, '总').map(({ id }) => id)).toEqual(['a']);
    expect(searchItems(items, 'hea').map(({ id }) => id)).toEqual(['c']);
  });
  test('a prefix says what is meant', () => {
    expect(scopeOf('@bod')).toEqual({ group: 'node', text: 'bod' });
    expect(scopeOf('plain')).toEqual({ group: undefined, text: 'plain' });
  });
});

const trace = (mean: (number | null)[]): MetricTrace => ({
  scope: 'queue',
  name: 'q',
  metric: 'waiting',
  startMs: Date.UTC(2026, 10, 23, 7, 1),
  stepMs: 10_000,
  mean,
  max: mean,
});

describe('traces and queues', () => {
  test('a line breaks where nothing was measured', () => {
    const plot = { left: 0, top: 0, width: 40, height: 10 };
    expect(tracePath([0, 10, null, 5, null], 10, plot)).toBe('M0.0 10.0L10.0 0.0M30.0 5.0h1');
  });
  test('ticks are round times of the zone on screen', () => {
    const hour = { ...trace(Array.from({ length: 361 }, () => 1)) };
    expect(timeTicks(hour, '1h', 'utc').map(({ text }) => text)).toEqual(['07:15', '07:30', '07:45']);
  });
  test('what comes in is what was started and what waits more', () => {
    const waiting = trace([0, 0, 0, 0, 10, 20, 30, 40, 50]);
    const history = historyOf(waiting, trace([5, 5, 5, 5, 5, 5, 5, 5, 5]));
    expect(history.outPerS).toBe(5);
    expect(history.inPerS).toBeCloseTo(6);
  });
  test('the queue whose oldest task waits longest is first; a forecast needs a rate', () => {
    const row = (name: string, ageMs: number) => ({
      queue: queueName(name),
      weight: 1,
      settings: { weight: 1, mode: 'open' as const },
      live: 0,
      allocated: { cpu: 0, memory: 0, gpu: 0 },
      share: 0,
      ready: 10,
      backlog: 0,
      blocked: 0,
      backoff: 0,
      active: 0,
      oldestSubmittedAtMs: ms(100_000 - ageMs),
    });
    const history = new Map([['b', { waiting: [], inPerS: 1, outPerS: 3 }]]);
    const lines = queueLines([row('a', 10), row('b', 900)], 100_000, history);
    expect(lines.map(({ name }) => name)).toEqual(['b', 'a']);
    expect(lines.map(drainsInS)).toEqual([5, undefined]);
  });
});

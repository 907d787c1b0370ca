// Storage and recovery as the console shows them: what bounds mean and let go, units, jobs in words, `/health`.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { formatBytes, formatRoughCount } from '../../renderer/format/quantity.ts';
import { byteUnits, countUnits, fittingUnit, hourUnits } from '../../renderer/kit/units.ts';
import { recoveryIn, watchRecovery } from '../../renderer/link/health.ts';
import { jobPercent, jobText } from '../../renderer/storage/jobWords.ts';
import { draftOf, readDraft } from '../../renderer/storage/retentionDraft.ts';
import { daysKept, lossUnder } from '../../renderer/storage/retentionOutlook.ts';
import { ms } from '../../scheduler/protocol/brands.ts';
import type { StorageJob } from '../../scheduler/protocol/storage.ts';

const day = 86_400_000;
const gib = 1_024 ** 3;
const nowMs = Date.UTC(2026, 10, 23);
const history = { bytes: 4 * gib, tasks: 1_000_000, logBytes: gib, oldestEndedAtMs: ms(nowMs - 10 * day) };
const bounds = { tasksMax: 4_000_000, logBytesMax: 2 * gib };

describe('bounds on history', () => {
  test('hold as many days as the past lets expect', () => {
    expect(daysKept({ ...bounds, historyBytesMax: 8 * gib }, history, nowMs)).toEqual({
      tasksMax: 40,
      historyBytesMax: 20,
      logBytesMax: 20,
    });
  });
  test('say nothing of days while there is hardly a past, or nothing of their kind', () => {
    const young = { ...history, oldestEndedAtMs: ms(nowMs - 60_000) };
    expect(daysKept(bounds, young, nowMs)).toEqual({});
    expect(daysKept(bounds, { ...history, logBytes: 0 }, nowMs)).toEqual({ tasksMax: 40 });
  });
  test('let nothing go that is within all of them', () => {
    expect(lossUnder({ ...bounds, daysMax: 10 }, history, nowMs)).toEqual({ tasks: 0, logBytes: 0 });
  });
  test('let go what the sharpest of them says', () => {
    const sharp = { tasksMax: 900_000, daysMax: 4, historyBytesMax: 3 * gib, logBytesMax: 0.25 * gib };
    expect(lossUnder(sharp, history, nowMs)).toEqual({ tasks: 600_000, logBytes: 0.75 * gib });
  });
});

describe('the retention form', () => {
  test('gives back what it was made from, with empty fields for absent bounds', () => {
    const draft = draftOf(bounds);
    expect(draft.daysMax).toBe('');
    expect(readDraft(draft, 'retention')).toEqual({ retention: bounds });
  });
  test('names the field that is wrong', () => {
    expect(readDraft({ ...draftOf(bounds), tasksMax: 10 }, 'retention').field).toBe('tasksMax');
    expect(readDraft({ ...draftOf(bounds), daysMax: 1.5 }, 'retention').field).toBe('daysMax');
    expect(readDraft({ ...draftOf(bounds), logBytesMax: undefined }, 'retention').field).toBe('logBytesMax');
  });
  test.each([
    [10_000_000, countUnits, 'million'],
    [1_500, countUnits, 'thousand'],
    [1_234, countUnits, 'one'],
    [8 * gib, byteUnits, 'gib'],
    [undefined, byteUnits, 'gib'],
    [36, hourUnits, 'days'],
    [7, hourUnits, 'hours'],
  ])('%s is typed in a unit that suits it', (value, units, id) => {
    expect(fittingUnit(value, units).id).toBe(id);
  });
});

test('bytes and rough counts read at a glance', () => {
  expect([0, 900, 1_536, 310 * gib].map(formatBytes)).toEqual(['0 B', '900 B', '1.5 KiB', '310 GiB']);
  expect([812, 41_300, 3_210_000, 10_000_000].map(formatRoughCount)).toEqual([
    '812',
    '41 k',
    '3.2 M',
    '10 M',
  ]);
});

describe('a job', () => {
  const job: StorageJob = {
    jobId: 1,
    kind: 'export',
    actor: 'operator',
    state: 'running',
    startedAtMs: ms(nowMs),
    done: 250,
    total: 1_000,
  };
  const t = (key: string, named: Record<string, unknown> = {}) => `${key} ${Object.values(named).join()}`;
  test('tells how far it is, or only how much where the end is not known', () => {
    expect(jobText(job, t)).toBe('25 % · job.amount.export 250');
    expect(jobPercent({ ...job, total: 0 })).toBeUndefined();
  });
  test('that failed says why, without control characters', () => {
    const failed = { ...job, state: 'failed', message: 'no room\u0007' } as const;
    expect(jobText(failed, t)).toBe('no room␇');
  });
});

describe('the health of a hub', () => {
  const recovering = { state: 'recovering', stage: 'loading', done: 5, total: 8 };
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  test('counts as recovering only where it says so in full', () => {
    expect(recoveryIn(recovering)).toEqual(recovering);
    expect(recoveryIn({ state: 'running', epoch: 3 })).toBeUndefined();
    expect(recoveryIn({ ...recovering, stage: 'dreaming' })).toBeUndefined();
    expect(recoveryIn({ ...recovering, done: '5' })).toBeUndefined();
    expect(recoveryIn(null)).toBeUndefined();
  });
  test('is asked once a second, and the link is tried again when the recovery is over', async () => {
    let answer: object = recovering;
    const fetched = vi.fn(() => Promise.resolve({ json: () => Promise.resolve(answer) }));
    vi.stubGlobal('fetch', fetched);
    const told: unknown[] = [];
    const over = vi.fn();
    const watch = watchRecovery((state) => told.push(state), over);
    watch.start();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(fetched).toHaveBeenCalledTimes(3);
    expect(told.at(-1)).toEqual(recovering);
    expect(over).not.toHaveBeenCalled();
    answer = { state: 'running' };
    await vi.advanceTimersByTimeAsync(1_000);
    expect(over).toHaveBeenCalledOnce();
    watch.stop();
    expect(told.at(-1)).toBeUndefined();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(fetched).toHaveBeenCalledTimes(4);
  });
});

// Maintenance windows keep work from nodes in time; licences keep no more of it running than there are.
import { describe, expect, test } from 'vitest';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import type { MaintenanceWindow } from '../../scheduler/protocol/maintenance.ts';
import { licencesMax, maintenanceWindowsMax } from '../../scheduler/protocol/limits.ts';
import { Core } from '../../scheduler/core/cycle.ts';
import { liveOf, reasonOf, startedCore, startMs } from './coreStage.ts';

type Stage = ReturnType<typeof startedCore>;
const minute = 60_000;
const nodeOf = ({ core }: Stage, taskId: TaskId) => core.state.tasks.get(taskId)?.live?.nodeId;
const whyOf = ({ core }: Stage, taskId: TaskId) => core.view().why(taskId);
const onLine = (line: string) => ({ place: { area: 'A', line, cell: 'C' } });

type Scope = MaintenanceWindow['scope'];
const onL1: Scope = { line: ['L1'] };
const putWindow = (stage: Stage, from: number, until: number, { id = 'w', scope = onL1 } = {}) =>
  stage.give({
    kind: 'PutWindow',
    window: { id, scope, fromMs: startMs + from, untilMs: startMs + until, note: '' },
    actor: 'ann',
  });
const putLicence = (stage: Stage, licence: string, total: number) =>
  stage.give({ kind: 'PutLicence', licence, total, actor: 'ann' });
/** Heartbeats, so that the node stays online while time passes. */
const pass = (stage: Stage, forMs: number, ...nodes: string[]): void => {
  stage.wait(forMs, () => nodes.map((node) => stage.beat(node)));
};

describe('a maintenance window', () => {
  test('takes a task that ends before it, and none that might not', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    putWindow(stage, 10 * minute, 20 * minute);
    const short = stage.submitOne({ expectedMs: 5 * minute });
    const long = stage.submitOne({ expectedMs: 11 * minute });
    expect(nodeOf(stage, short)).toBe('N1');
    expect(nodeOf(stage, long)).toBeUndefined();
    expect(whyOf(stage, long)).toMatchObject({ dominant: 'MAINTENANCE', verdict: 'later' });
    expect(whyOf(stage, long)?.nearMisses[0]?.lacks[0]).toMatchObject({
      reason: 'MAINTENANCE',
      has: 'a maintenance window in 600 s',
    });
  });
  test('has the timeout count where nobody said how long it takes', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    putWindow(stage, 10 * minute, 20 * minute);
    expect(nodeOf(stage, stage.submitOne())).toBeUndefined(); // an hour
    expect(nodeOf(stage, stage.submitOne({ timeoutMs: minute }))).toBe('N1');
  });
  test('leaves other nodes alone, and what runs', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    const before = stage.submitOne();
    stage.join('N2', onLine('L2'));
    putWindow(stage, 1_000, minute);
    expect(nodeOf(stage, before)).toBe('N1');
    expect(nodeOf(stage, stage.submitOne())).toBe('N2');
  });
  test('is over by itself, and what waited is placed then', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    putWindow(stage, 0, 20_000);
    const id = stage.submitOne({ timeoutMs: 1_000 });
    pass(stage, 19_500, 'N1');
    expect(nodeOf(stage, id)).toBeUndefined();
    expect(stage.core.view().windows()).toHaveLength(1);
    pass(stage, 1_000, 'N1');
    expect(nodeOf(stage, id)).toBe('N1');
    expect(stage.core.view().windows()).toEqual([]);
  });
  test('closes nodes that join while it lasts, and those that another one covers stay closed after it', () => {
    const stage = startedCore();
    putWindow(stage, 0, 20_000, { id: 'line' });
    putWindow(stage, 0, 60_000, { id: 'node', scope: { node: ['N2'] } });
    stage.join('N1', onLine('L1'));
    stage.join('N2', onLine('L1'));
    const ids = [1, 2].map(() => stage.submitOne({ ask: { cpu: 4_000 } }));
    expect(ids.map((id) => nodeOf(stage, id))).toEqual([undefined, undefined]);
    pass(stage, 21_000, 'N1', 'N2');
    expect(ids.map((id) => nodeOf(stage, id))).toEqual(['N1', undefined]);
    stage.give({ kind: 'RemoveWindow', id: 'node', actor: 'ann' });
    expect(ids.map((id) => nodeOf(stage, id))).toEqual(['N1', 'N2']);
  });
  test('is set anew under its name; the nodes that it no longer covers take work at once', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    putWindow(stage, 0, minute);
    const id = stage.submitOne();
    putWindow(stage, 0, minute, { scope: { line: ['L2'] } });
    expect(nodeOf(stage, id)).toBe('N1');
  });
  test('in the past, unknown, or one too many is refused', () => {
    const stage = startedCore();
    stage.jump(minute);
    expect(reasonOf(putWindow(stage, 0, minute).answers[0])).toMatchObject({ field: 'untilMs' });
    const removal = { kind: 'RemoveWindow', id: 'w', actor: 'ann' } as const;
    expect(reasonOf(stage.give(removal).answers[0])?.code).toBe('wrong_state');
    for (let i = 0; i < maintenanceWindowsMax; i += 1)
      putWindow(stage, 0, 2 * minute, { id: `w${String(i)}` });
    expect(reasonOf(putWindow(stage, 0, 2 * minute).answers[0])?.code).toBe('too_many');
  });
  test('is as before after a restart, begun or not', () => {
    const stage = startedCore();
    stage.join('N1', onLine('L1'));
    putWindow(stage, 0, 30_000);
    const again = startedCore(undefined, Core.restored(stage.core.snapshotParts()));
    expect(again.core.digest()).not.toBe(new Core().digest());
    again.join('N1', onLine('L1'));
    const id = again.submitOne({ timeoutMs: 1_000 });
    expect(nodeOf(again, id)).toBeUndefined();
    pass(again, 31_000, 'N1');
    expect(nodeOf(again, id)).toBe('N1');
  });
});

describe('a licence', () => {
  const needs = (amount: number, more: object = {}) => ({ licences: { cad: amount }, ...more });
  test('is held from placement to the end of the attempt; who is short waits with that reason', () => {
    const stage = startedCore();
    stage.join('N1');
    putLicence(stage, 'cad', 3);
    const [first, second] = [stage.submitOne(needs(2)), stage.submitOne(needs(2))];
    expect([nodeOf(stage, first), nodeOf(stage, second)]).toEqual(['N1', undefined]);
    expect(stage.core.view().licences()).toEqual([{ licence: 'cad', total: 3, held: 2 }]);
    expect(whyOf(stage, second)).toMatchObject({ dominant: 'LICENCE', verdict: 'later', waiting: 'blocked' });
    expect(nodeOf(stage, stage.submitOne(needs(1)))).toBe('N1');
    stage.ended('N1', first, liveOf(stage.core, first).token);
    expect(nodeOf(stage, second)).toBe('N1');
  });
  test('that there are too few of ever is said so; a larger total lets it in', () => {
    const stage = startedCore();
    stage.join('N1');
    putLicence(stage, 'cad', 1);
    const id = stage.submitOne(needs(2));
    expect(whyOf(stage, id)).toMatchObject({ dominant: 'LICENCE', verdict: 'never' });
    putLicence(stage, 'cad', 2);
    expect(nodeOf(stage, id)).toBe('N1');
  });
  test('that does not exist is refused, and the refusal names those that do', () => {
    const stage = startedCore();
    putLicence(stage, 'mill', 1);
    expect(stage.submit(needs(1))[0]).toMatchObject({
      ok: false,
      refusal: {
        code: 'unknown_licence',
        field: 'licences',
        message: expect.stringContaining('mill') as string,
      },
    });
  });
  test('that live tasks ask for stays; its total may be lowered below what is held', () => {
    const stage = startedCore();
    stage.join('N1');
    putLicence(stage, 'cad', 2);
    const id = stage.submitOne(needs(2));
    const removal = { kind: 'RemoveLicence', licence: 'cad', actor: 'ann' } as const;
    expect(reasonOf(stage.give(removal).answers[0])?.message).toContain('1 live task');
    putLicence(stage, 'cad', 0);
    expect(nodeOf(stage, id)).toBe('N1');
    stage.ended('N1', id, liveOf(stage.core, id).token);
    expect(stage.give(removal).answers[0]?.ok).toBe(true);
    expect(reasonOf(stage.give(removal).answers[0])?.code).toBe('unknown_licence');
  });
  test('is counted again after a restart', () => {
    const stage = startedCore();
    stage.join('N1');
    putLicence(stage, 'cad', 2);
    stage.submitOne(needs(2));
    const again = startedCore(undefined, Core.restored(stage.core.snapshotParts()));
    expect(again.core.view().licences()).toEqual([{ licence: 'cad', total: 2, held: 2 }]);
    expect(nodeOf(again, again.submitOne(needs(1)))).toBeUndefined();
  });
  test('has a limit of its kinds', () => {
    const stage = startedCore();
    for (let i = 0; i < licencesMax; i += 1) putLicence(stage, `l${String(i)}`, 1);
    expect(reasonOf(putLicence(stage, 'more', 1).answers[0])?.code).toBe('too_many');
  });
});

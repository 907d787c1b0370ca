// What operators change is written down once, whatever carried it, and before it is answered.
import { beforeEach, describe, expect, test } from 'vitest';
import { auditTable } from '../../scheduler/console/auditTable.ts';
import type { AuditPort } from '../../scheduler/console/ports.ts';
import type { AuditAct } from '../../scheduler/protocol/audit.ts';
import { auditTargetsMax } from '../../scheduler/protocol/auditLimits.ts';
import { taskId } from '../../scheduler/protocol/brands.ts';
import { type Method, methodSchemas } from '../../scheduler/protocol/consoleWire.ts';
import { accepted, refusal, refused } from '../../scheduler/protocol/outcome.ts';
import {
  type ConsoleStage,
  noAccounts,
  openConsole,
  openLink,
  recordOf,
  storageStub,
} from './consoleStage.ts';

const told: AuditAct[] = [];
let hindrance: ReturnType<AuditPort['hindrance']>;
let isSettled = true;
let settledCalls = 0;
const audit = {
  record: (act: AuditAct) => told.push(act),
  recordOften: (act: AuditAct) => told.push(act),
  settled: () => {
    settledCalls += 1;
    return Promise.resolve(isSettled ? accepted(undefined) : refused(refusal('storage_failed', 'disk full')));
  },
  hindrance: () => hindrance,
  state: () => Promise.resolve(refused(refusal('storage_failed', 'none here'))),
  list: () => Promise.resolve(refused(refusal('storage_failed', 'none here'))),
  verify: () => ({ state: 'running', startedAtMs: 0, done: 0, total: 0 }) as never,
};

let stage: ConsoleStage;
const commands: string[] = [];
beforeEach(() => {
  told.length = 0;
  hindrance = undefined;
  isSettled = true;
  settledCalls = 0;
  commands.length = 0;
  stage = openConsole({
    audit,
    execute: (command) => {
      commands.push(command.kind);
      const tasks = command.kind === 'SubmitTasks' ? command.specs.length : 1;
      const answers = Array.from(
        { length: tasks },
        (_, at) => ({ ok: true, taskId: taskId(100 + at) }) as const,
      );
      return Promise.resolve(accepted({ answers }));
    },
    storage: { ...storageStub, startBulk: () => accepted({ jobId: 9 } as never) },
  });
});

const secret = 'correct horse battery';
const spec = { work: { kind: 'simulated', runMs: 5 } };
/** Parameters that the stage carries out, of every method that changes something. */
const asks: Partial<Record<Method, unknown>> = {
  submitTasks: { specs: [spec, spec] },
  submitWorkflow: { workflow: { name: 'w', tasks: [{ ref: 'a', spec }] } },
  retryWorkflow: { groupId: 4 },
  cancelTasks: { taskIds: [1, 2], reason: 'wrong batch' },
  requeueTasks: { taskIds: [5] },
  startBulk: { act: 'requeue', filter: { states: ['dead_letter'] } },
  setCordon: { nodeId: 'n1', isCordoned: true },
  forgetNode: { nodeId: 'n1' },
  declareLost: { nodeId: 'n1', confirm: 'n1' },
  putQueue: { queue: 'press', change: { weight: 3 } },
  removeQueue: { queue: 'press' },
  putTenant: { tenant: 'a', change: {} },
  removeTenant: { tenant: 'a' },
  putWindow: { id: 'w', window: { scope: { line: ['L'] }, fromMs: 2_000_000, untilMs: 3_000_000 } },
  removeWindow: { id: 'w' },
  putLicence: { licence: 'cad', total: 4 },
  removeLicence: { licence: 'cad' },
  putSchedule: { scheduleId: 's', spec: { everyMs: 60_000, task: spec } },
  removeSchedule: { scheduleId: 's' },
  runScheduleNow: { scheduleId: 's' },
  putCalendar: { calendar: 'c', dates: ['2026-12-24'] },
  removeCalendar: { calendar: 'c' },
  createEnrolment: {},
  revokeEnrolment: { enrolmentId: 'e' },
  revokeNode: { nodeId: 'n1' },
  renewCertificate: {},
  setLogLevel: { level: 'debug' },
  acknowledgeAlarm: { alarmId: 3 },
  setRetention: { tasksMax: 1_000, logBytesMax: 0 },
  setBackupPlan: {},
  startBackup: { folder: '/b' },
  startExport: { format: 'csv' },
  exportAudit: { format: 'csv' },
  cancelJob: { jobId: 1 },
  startSimulation: { nodes: 10, seed: 1, load: 1 },
  endSimulation: {},
  saveUser: { user: 'ann', role: 'operator', password: secret },
  removeUser: { user: 'ann' },
  resetPassword: { user: 'ann', password: secret },
  createToken: { name: 'mes', role: 'operator' },
  revokeToken: { name: 'mes' },
};
const methods = Object.keys(methodSchemas) as Method[];
const changing = methods.filter((method) => auditTable[method].changes);

test('every method that changes something is tried here', () => {
  expect(Object.keys(asks).sort()).toEqual([...changing].sort());
});

test.each(changing)('%s makes exactly one entry, refused or not', async (method) => {
  const reply = await stage.link.ask(method, asks[method]);
  if (!reply.ok) expect(reply.refusal.code).not.toBe('bad_message');
  expect(told.map(({ action, actor, source }) => ({ action, actor, source }))).toEqual([
    { action: method, actor: 'operator', source: 'window' },
  ]);
  expect(told[0]?.outcome).toBe(reply.ok ? told[0]?.outcome : 'refused');
});

test.each(methods.filter((method) => !changing.includes(method)))('%s makes none', async (method) => {
  await stage.link.ask(method, {});
  expect(told).toEqual([]);
});

test.each(changing)('%s is not begun while nothing can be recorded, unless it is work', async (method) => {
  hindrance = refused(refusal('storage_failed', 'the audit trail cannot be written'));
  const reply = await stage.link.ask(method, asks[method]);
  const isWork = method === 'submitTasks' || method === 'submitWorkflow';
  if (isWork) return;
  expect(reply).toMatchObject({ ok: false, refusal: { code: 'storage_failed' } });
  expect(commands).toEqual([]);
});

describe('an entry', () => {
  test('is durable before the answer; where it could not be, the answer says that it was done all the same', async () => {
    await stage.result('setCordon', asks.setCordon);
    expect(settledCalls).toBe(1);
    isSettled = false;
    const { code, message } = await stage.refusal('setCordon', asks.setCordon);
    expect({ code, message }).toEqual({
      code: 'storage_failed',
      message: 'it was done, but could not be recorded yet: disk full',
    });
    expect(commands.length).toBe(2);
  });

  test('tells before and after, and the reason', async () => {
    await stage.result('putQueue', asks.putQueue);
    expect(told[0]).toMatchObject({ targets: ['press'], details: { after: '{"weight":3}' } });
    await stage.result('cancelTasks', asks.cancelTasks);
    expect(told[1]).toMatchObject({ targets: ['T-1', 'T-2'], details: { reason: 'wrong batch' } });
  });

  test('names only the tasks that were changed, and says why others were not', async () => {
    stage.ended.set(5, recordOf(5, 'dead_letter'));
    await stage.result('requeueTasks', { taskIds: [5, 6] });
    expect(told[0]).toMatchObject({
      outcome: 'done',
      targets: ['T-5'],
      details: { refused: 1, code: 'unknown_task' },
    });
    await stage.result('requeueTasks', { taskIds: [6, 7] });
    expect(told[1]).toMatchObject({ outcome: 'refused', targets: ['T-6', 'T-7'] });
  });

  test('of something malformed is not made: it never became an act', async () => {
    await stage.refusal('setCordon', { nodeId: 'n1' });
    expect(told).toEqual([]);
  });
});

describe('of people and programs', () => {
  const ann = { user: 'ann', role: 'viewer', queues: '*', source: '10.0.0.7' } as const;

  test('what was tried without the right to it is written down, and not carried out', async () => {
    const link = openLink(stage.console, () => ann);
    await link.ask('setCordon', asks.setCordon);
    await link.ask('putQueue', asks.putQueue);
    expect(commands).toEqual([]);
    expect(told).toMatchObject([
      { action: 'setCordon', actor: 'ann', source: '10.0.0.7', outcome: 'refused', targets: ['n1'] },
      { action: 'putQueue', actor: 'ann', outcome: 'refused', details: { code: 'forbidden' } },
    ]);
  });

  test('a queue that somebody has no rights on is refused in the trail, too', async () => {
    const operator = { ...ann, role: 'operator', queues: ['paint'] } as const;
    await openLink(stage.console, () => operator).ask('submitTasks', asks.submitTasks);
    expect(commands).toEqual([]);
    expect(told).toMatchObject([
      { action: 'submitTasks', outcome: 'refused', details: { code: 'forbidden' } },
    ]);
  });

  test('a user that is changed is told as it was and as it is, without the password', async () => {
    const row = { user: 'ann', role: 'viewer', queues: '*' } as never;
    const people = openConsole({
      audit,
      accounts: {
        ...noAccounts,
        listUsers: () => [row],
        saveUser: () => Promise.resolve(accepted(row)),
        createToken: () => accepted({ name: 'mes', token: secret } as never),
      },
    });
    await people.result('saveUser', asks.saveUser);
    await people.result('createToken', asks.createToken);
    await people.refusal('resetPassword', asks.resetPassword);
    expect(told[0]).toMatchObject({
      targets: ['ann'],
      details: {
        hasPassword: true,
        before: '{"role":"viewer","queues":"*"}',
        after: '{"role":"operator","queues":"*"}',
      },
    });
    expect(told).toHaveLength(3);
    expect(JSON.stringify(told)).not.toContain(secret);
  });
});

test('a job on many tasks names each that it hit, in as many entries as that takes', async () => {
  const tasks = auditTargetsMax + 3;
  for (let id = 1; id <= tasks; id += 1) stage.ended.set(id, recordOf(id, 'dead_letter'));
  let ended: Promise<void> = Promise.resolve();
  const bulkStage = openConsole({
    audit,
    history: {
      list: (_filter: unknown, before?: number) =>
        Promise.resolve({
          rows: [...stage.ended.values()]
            .filter(({ taskId }) => taskId < (before ?? Infinity))
            .map(({ taskId }) => ({ taskId }) as never),
        }),
      get: (id: number) => Promise.resolve(stage.ended.get(id)),
      endedPerMinute: () => Promise.resolve([]),
    } as never,
    storage: {
      ...storageStub,
      startBulk: ({ run }) => {
        ended = Promise.resolve().then(() => run(() => undefined, new AbortController().signal));
        return accepted({ jobId: 9 } as never);
      },
    },
  });
  await bulkStage.result('startBulk', { act: 'requeue', filter: { states: ['dead_letter'] } });
  await ended;
  const parts = told.filter(({ action }) => action === 'bulk_requeue');
  expect(parts.map(({ count, details }) => ({ count, ...details }))).toEqual([
    { count: auditTargetsMax, job: 9, part: 1 },
    { count: 3, job: 9, part: 2, isLast: true, tasks },
  ]);
  expect(new Set(parts.flatMap(({ targets }) => targets)).size).toBe(tasks);
  expect(told.find(({ action }) => action === 'startBulk')).toMatchObject({
    targets: ['job 9'],
    details: { act: 'requeue', filter: '{"states":["dead_letter"]}' },
  });
});

// Every method of the console wire: its answer, its command, its refusals.
import { expect, test } from 'vitest';
import { token } from '../../scheduler/protocol/brands.ts';
import { methodSchemas } from '../../scheduler/protocol/consoleWire.ts';
import { requestsInFlightMax } from '../../scheduler/protocol/limits.ts';
import { refusal, refused } from '../../scheduler/protocol/outcome.ts';
import { openConsole, recordOf } from './consoleStage.ts';

const work = { kind: 'simulated', runMs: 1 };

test.each([
  [
    'hello',
    { wire: 2 },
    {
      version: '1',
      who: { user: 'operator', role: 'administrator', queues: '*', source: 'window', hasAccounts: false },
    },
  ],
  ['logout', {}, { loggedOut: true }],
  ['listUsers', {}, { users: [] }],
  ['listTokens', {}, { tokens: [] }],
  ['watchOverview', { on: false }, { on: false }],
  ['watchLog', { taskId: 1, on: true }, { on: true }],
  ['listNodes', { text: 'A' }, { rows: [{ filter: { text: 'A' }, offset: 0, limit: 50 }], total: 1 }],
  ['getNode', { nodeId: 'n1' }, { node: { nodeId: 'n1', area: 'A' }, tasks: [] }],
  ['readLog', { token: 9 }, { pieces: [], isComplete: true }],
  ['readLog', { token: 5 }, { pieces: [], isComplete: false }],
  [
    'createEnrolment',
    {},
    { enrolmentId: 'e', hubUrl: 'u', code: 't', command: 'c', nodesMax: 1, expiresAtMs: 86_400_000 },
  ],
  ['listEnrolments', {}, { enrolments: [] }],
  ['revokeEnrolment', { enrolmentId: 'e' }, { revoked: true }],
  ['revokeNode', { nodeId: 'n1' }, { revoked: true }],
  ['renewCertificate', {}, { renewed: true }],
  ['acknowledgeAlarm', { alarmId: 1 }, { acknowledged: true }],
  ['startSimulation', {}, { state: 'starting', joined: 0, total: 1_000 }],
  ['endSimulation', {}, { state: 'ending', done: 0, total: 0 }],
  ['getSimulation', {}, { state: 'off' }],
] as const)('%s %j answers %j', async (method, params, answer) => {
  expect(await openConsole().result(method, params)).toEqual(answer);
});

test.each([
  ['setCordon', { nodeId: 'n1', isCordoned: true }, { kind: 'SetCordon', nodeId: 'n1', isCordoned: true }],
  ['forgetNode', { nodeId: 'n1' }, { kind: 'ForgetNode', nodeId: 'n1' }],
  ['declareLost', { nodeId: 'n1', confirm: 'n1' }, { kind: 'DeclareLost', nodeId: 'n1' }],
  ['removeQueue', { queue: 'q' }, { kind: 'RemoveQueue', queue: 'q' }],
  ['putTenant', { tenant: 't' }, { kind: 'PutTenant', tenant: 't', change: {} }],
  ['removeTenant', { tenant: 't' }, { kind: 'RemoveTenant', tenant: 't' }],
  ['removeSchedule', { scheduleId: 's' }, { kind: 'RemoveSchedule', scheduleId: 's' }],
  ['removeCalendar', { calendar: 'c' }, { kind: 'RemoveCalendar', calendar: 'c' }],
  [
    'putCalendar',
    { calendar: 'c', dates: ['2027-01-01', '2026-12-25'] },
    { kind: 'PutCalendar', calendar: 'c', dates: ['2026-12-25', '2027-01-01'], atMs: 1_000_000 },
  ],
  [
    'putWindow',
    { id: 'w', window: { scope: { line: ['L1'] }, fromMs: 1, untilMs: 2 } },
    { kind: 'PutWindow', window: { id: 'w', scope: { line: ['L1'] }, fromMs: 1, untilMs: 2, note: '' } },
  ],
  ['removeWindow', { id: 'w' }, { kind: 'RemoveWindow', id: 'w' }],
  ['putLicence', { licence: 'cad', total: 3 }, { kind: 'PutLicence', licence: 'cad', total: 3 }],
  ['removeLicence', { licence: 'cad' }, { kind: 'RemoveLicence', licence: 'cad' }],
  [
    'putQueue',
    { queue: 'q', change: { weight: 2 } },
    { kind: 'PutQueue', queue: 'q', change: { weight: 2 } },
  ],
] as const)('%s gives its command in the name of the operator', async (method, params, command) => {
  const stage = openConsole();
  await stage.result(method, params);
  expect(stage.commands).toEqual([{ ...command, actor: 'operator' }]);
});

test('a command that the engine refuses is refused with the reason of the engine', async () => {
  const reason = refusal('wrong_state', 'n1 is connected');
  const stage = openConsole({ execute: () => Promise.resolve(refused(reason)) });
  expect(await stage.refusal('forgetNode', { nodeId: 'n1' })).toEqual(reason);
});

const badParams: [string, unknown, string][] = [
  ['hello', {}, 'wire'],
  ['login', { user: 'ann' }, ''],
  ['logout', { all: true }, 'all'],
  ['whoAmI', { user: 'ann' }, 'user'],
  ['changePassword', { old: 'a' }, 'next'],
  ['listUsers', { role: 'viewer' }, 'role'],
  ['saveUser', { user: 'Ann', role: 'viewer' }, 'user'],
  ['saveUser', { user: 'ann', role: 'king' }, 'role'],
  ['removeUser', {}, 'user'],
  ['resetPassword', { user: 'ann' }, 'password'],
  ['listTokens', { name: 'mes' }, 'name'],
  ['createToken', { name: 'mes', role: 'operator', days: 0 }, 'days'],
  ['revokeToken', {}, 'name'],
  ['watchOverview', { on: 'yes' }, 'on'],
  ['submitTasks', { specs: [] }, 'specs'],
  ['listTasks', { limit: 9_999 }, 'limit'],
  ['listTasks', { filter: { states: ['asleep'] } }, 'filter.states.0'],
  ['getTask', { taskId: -1 }, 'taskId'],
  ['getStates', { taskIds: [] }, 'taskIds'],
  ['whyTask', {}, 'taskId'],
  ['cancelTasks', { taskIds: [1, 'x'] }, 'taskIds.1'],
  ['requeueTasks', { taskIds: [] }, 'taskIds'],
  ['readLog', { token: 1.5 }, 'token'],
  ['watchLog', { taskId: 1 }, 'on'],
  ['listNodes', { state: 'asleep' }, 'state'],
  ['getNode', { nodeId: 'n 1' }, 'nodeId'],
  ['getSummary', { all: true }, 'all'],
  ['setCordon', { nodeId: 'n1' }, 'isCordoned'],
  ['forgetNode', { nodeId: '' }, 'nodeId'],
  ['declareLost', { nodeId: 'n1', confirm: 'n2' }, 'confirm'],
  ['putQueue', { queue: 'q', change: { weight: 0 } }, 'change.weight'],
  ['removeQueue', {}, 'queue'],
  ['listTenants', { all: true }, 'all'],
  ['putTenant', { tenant: '' }, 'tenant'],
  ['removeTenant', {}, 'tenant'],
  ['listWindows', { all: true }, 'all'],
  ['putWindow', { id: 'w', window: { scope: {}, fromMs: 1, untilMs: 2 } }, 'window.scope'],
  ['putWindow', { id: 'w', window: { scope: { line: ['L'] }, fromMs: 2, untilMs: 2 } }, 'window'],
  ['removeWindow', {}, 'id'],
  ['listLicences', { all: true }, 'all'],
  ['putLicence', { licence: 'cad', total: -1 }, 'total'],
  ['removeLicence', { licence: '' }, 'licence'],
  ['listSchedules', { offset: -1 }, 'offset'],
  ['getSchedule', { scheduleId: 's t' }, 'scheduleId'],
  ['putSchedule', { scheduleId: 's', spec: { everyMs: 1, task: {} } }, 'spec.everyMs'],
  ['putSchedule', { scheduleId: 's', spec: { everyMs: 1_000, task: {} } }, 'spec.task.work'],
  ['removeSchedule', {}, 'scheduleId'],
  ['runScheduleNow', { scheduleId: '' }, 'scheduleId'],
  ['previewSchedule', { everyMs: 1_000, count: 51 }, 'count'],
  ['listCalendars', { all: true }, 'all'],
  ['getCalendar', {}, 'calendar'],
  ['putCalendar', { calendar: 'c', dates: ['2026-02-30'] }, 'dates.0'],
  ['removeCalendar', {}, 'calendar'],
  ['createEnrolment', { nodesMax: 0 }, 'nodesMax'],
  ['createEnrolment', { validMs: 1 }, 'validMs'],
  ['listEnrolments', { all: true }, 'all'],
  ['revokeNode', { nodeId: 'n 1' }, 'nodeId'],
  ['revokeEnrolment', { enrolmentId: '' }, 'enrolmentId'],
  ['renewCertificate', { now: 1 }, 'now'],
  ['acknowledgeAlarm', { alarmId: null }, 'alarmId'],
  ['getTopology', { epoch: 1 }, 'epoch'],
  ['watchFleet', { metrics: ['luck'] }, 'metrics.0'],
  ['getTrace', { scope: 'node', name: 'n 1', metric: 'cpuUsed', range: '1h' }, 'name'],
  ['getTrace', { scope: 'queue', name: 'q', metric: 'cpuUsed', range: '1h' }, 'metric'],
  ['listTasks', { filter: { tenant: 'a b' } }, 'filter.tenant'],
  ['listTasks', { filter: { labels: { line: 7 } } }, 'filter.labels.line'],
  ['listTasks', { filter: { untilMs: -1 } }, 'filter.untilMs'],
  ['countTasks', {}, 'by'],
  ['getStorage', { deep: 1 }, 'deep'],
  ['setRetention', { tasksMax: 1_000, logBytesMax: 0, historyBytesMax: 1 }, 'historyBytesMax'],
  ['setBackupPlan', { folder: '/b', keep: 0 }, 'keep'],
  ['startBackup', { folder: '' }, 'folder'],
  ['startExport', { format: 'xls' }, 'format'],
  ['cancelJob', { jobId: '1' }, 'jobId'],
  ['previewBulk', { act: 'forget' }, 'act'],
  ['startBulk', { act: 'cancel', filter: { missedDeadline: false } }, 'filter.missedDeadline'],
  ['startSimulation', { nodes: 0 }, 'nodes'],
  ['endSimulation', { now: true }, 'now'],
  ['getSimulation', { deep: 1 }, 'deep'],
  ['getLogLevel', { of: 'edge' }, 'of'],
  ['setLogLevel', { level: 'trace' }, 'level'],
  ['getStates', { taskIds: [] }, 'taskIds'],
  ['getSummary', { of: 1 }, 'of'],
  ['submitWorkflow', { flow: {} }, 'workflow'],
  ['listGroups', { of: 1 }, 'of'],
  ['getGroup', { groupId: 'T-1' }, 'groupId'],
  ['retryWorkflow', {}, 'groupId'],
  ['getRecorder', { of: 1 }, 'of'],
  ['seekRecorder', { atMs: -1 }, 'atMs'],
  ['stopSeek', { now: 1 }, 'now'],
  ['recorderTopology', {}, 'atMs'],
  ['recorderFrame', { atMs: 1, metric: 'luck' }, 'metric'],
  ['recorderTasks', { atMs: 1, limit: 0 }, 'limit'],
  ['recorderNodes', { atMs: 1, state: 'odd' }, 'state'],
  ['startWhatIf', { fromMs: 1, untilMs: 2, changes: [{ kind: 'luck' }] }, 'changes.0.kind'],
  ['getWhatIf', { of: 1 }, 'of'],
  ['cancelWhatIf', {}, 'runId'],
  ['getAudit', { of: 1 }, 'of'],
  ['listAudit', { filter: { outcome: 'lost' } }, 'filter.outcome'],
  ['verifyAudit', { of: 1 }, 'of'],
  ['exportAudit', { format: 'parquet' }, 'format'],
  ['recorderWhy', { atMs: 1, taskId: 'T-1' }, 'taskId'],
];

test.each(badParams)(
  'bad parameters of %s %j are refused, naming the field',
  async (method, params, field) => {
    expect(await openConsole().refusal(method, params)).toMatchObject({ code: 'bad_message', field });
  },
);

test('every method of the contract is tried above', () => {
  expect([...new Set(badParams.map(([method]) => method))].sort()).toEqual(Object.keys(methodSchemas).sort());
});

test.each(['reboot', 'toString', '__proto__', ''])('there is no method %j', async (method) => {
  expect(await openConsole().refusal(method)).toMatchObject({ code: 'unknown_method' });
});

test.each([[null], ['hello'], [{ id: 3 }], [{ id: 'x', method: 'hello' }]])(
  'the malformed request %j gets a reply and ends nothing',
  async (message) => {
    const stage = openConsole();
    const id = (message as { id?: number } | null)?.id ?? 0;
    const waiting = typeof id === 'number' ? stage.link.raw(message) : stage.link.raw({ method: 1 });
    expect(await waiting).toMatchObject({ ok: false, refusal: { code: 'bad_message' } });
    expect(await stage.result('hello', { wire: 2 })).toMatchObject({ version: '1' });
  },
);

test('a window of another version is told both versions', async () => {
  const told = await openConsole().refusal('hello', { wire: 7 });
  expect(told).toMatchObject({ code: 'wire_version' });
  expect(told.message).toMatch(/version 7 .* version 2/);
});

test('a method that throws is reported as a bug, its caller is told, and the next request is answered', async () => {
  const stage = openConsole({
    createEnrolment: () => {
      throw new Error('no token file');
    },
  });
  expect(await stage.refusal('createEnrolment', {})).toMatchObject({ code: 'storage_failed' });
  expect(stage.bugs).toEqual([new Error('no token file')]);
  expect(await stage.result('hello', { wire: 2 })).toBeDefined();
});

test('the request after the last that may be without a reply is told to wait', async () => {
  const stage = openConsole({ execute: () => new Promise(() => undefined) });
  for (let i = 0; i < requestsInFlightMax; i += 1)
    void stage.link.ask('putQueue', { queue: 'q', change: { weight: 1 } });
  expect(await stage.refusal('hello', { wire: 2 })).toMatchObject({ code: 'too_many', retryAfterMs: 250 });
});

test('submitTasks: good specs go as one command, bad ones are told their field, answers keep the order', async () => {
  const stage = openConsole();
  const specs = [
    { work },
    { work: { kind: 'command', argv: [] } },
    { work, name: 'second' },
    { work, labels: { a: 'x'.repeat(70_000) } },
    { work, ask: { cpu: -1 } },
    undefined,
  ];
  const { answers } = (await stage.result('submitTasks', { specs })) as { answers: unknown };
  expect(answers).toMatchObject([
    { ok: true, taskId: 100 },
    { ok: false, refusal: { code: 'bad_message', field: 'specs.1.work.argv' } },
    { ok: true, taskId: 101 },
    { ok: false, refusal: { code: 'too_large', field: 'specs.3' } },
    { ok: false, refusal: { code: 'bad_message', field: 'specs.4.ask.cpu' } },
    { ok: false, refusal: { code: 'bad_message', field: 'specs.5' } },
  ]);
  expect(stage.commands).toMatchObject([
    { kind: 'SubmitTasks', actor: 'operator', specs: [{}, { name: 'second' }] },
  ]);
});

test('submitTasks with only bad specs gives no command; one refused as a whole is the answer of each', async () => {
  const stage = openConsole();
  await stage.result('submitTasks', { specs: [7] });
  expect(stage.commands).toEqual([]);
  const reason = refusal('queue_full', 'full');
  const full = openConsole({ execute: () => Promise.resolve(refused(reason)) });
  const { answers } = (await full.result('submitTasks', { specs: [{ work }, 7] })) as { answers: unknown };
  expect(answers).toMatchObject([{ ok: false, refusal: reason }, { refusal: { code: 'bad_message' } }]);
});

test('getTask and whyTask know live and ended tasks', async () => {
  const stage = openConsole();
  stage.live.set(2, recordOf(2, 'ready'));
  stage.ended.set(1, recordOf(1, 'succeeded'));
  expect(await stage.result('getTask', { taskId: 2 })).toMatchObject({
    row: { state: 'ready', waiting: 'ready' },
  });
  expect(await stage.result('getTask', { taskId: 1 })).toMatchObject({ row: { state: 'succeeded' } });
  expect(await stage.refusal('getTask', { taskId: 3 })).toMatchObject({ code: 'unknown_task' });
  expect(await stage.result('whyTask', { taskId: 2 })).toMatchObject({ waiting: 'ready' });
  expect(await stage.refusal('whyTask', { taskId: 1 })).toMatchObject({ code: 'wrong_state' });
  expect(await stage.refusal('whyTask', { taskId: 3 })).toMatchObject({ code: 'unknown_task' });
  expect(await stage.refusal('getNode', { nodeId: 'n9' })).toMatchObject({ code: 'unknown_node' });
});

test('requeueTasks puts back what has ended, as recorded, and refuses the rest one by one', async () => {
  const stage = openConsole();
  stage.live.set(2, recordOf(2, 'running'));
  stage.ended.set(2, recordOf(2, 'dead_letter'));
  stage.ended.set(1, recordOf(1, 'dead_letter'));
  const { answers } = (await stage.result('requeueTasks', { taskIds: [1, 2, 3] })) as { answers: unknown };
  expect(answers).toMatchObject([
    { ok: true },
    { ok: false, taskId: 2, refusal: { code: 'wrong_state' } },
    { ok: false, taskId: 3, refusal: { code: 'unknown_task' } },
  ]);
  expect(stage.commands).toEqual([
    { kind: 'RequeueTask', record: recordOf(1, 'dead_letter'), actor: 'operator' },
  ]);
});

test('cancelTasks answers each task of a bulk in order, and other requests are answered in between', async () => {
  const stage = openConsole();
  const taskIds = Array.from({ length: 5_000 }, (_, i) => i);
  let isDone = false;
  const bulk = stage.result('cancelTasks', { taskIds, reason: 'wrong batch' }).then((result) => {
    isDone = true;
    return result;
  });
  await stage.result('listTasks', {});
  expect(isDone).toBe(false);
  expect((await bulk) as { answers: unknown[] }).toMatchObject({ answers: { length: 5_000 } });
  expect(stage.commands.at(-1)).toEqual({
    kind: 'CancelTask',
    taskId: 4_999,
    actor: 'operator',
    reason: 'wrong batch',
  });
});

test('output is complete only when its attempt has ended and no further piece follows', async () => {
  const piece = { token: token(9), piece: 1, stream: 'stdout', offset: 0, text: 'x', atMs: 0 } as never;
  const stage = openConsole();
  const history = { readLog: () => Promise.resolve([piece]) } as never;
  const full = openConsole({
    history: { endedPerMinute: () => Promise.resolve([]), ...(history as object) } as never,
  });
  expect(await full.result('readLog', { token: 9, limit: 1 })).toMatchObject({ isComplete: false });
  expect(await full.result('readLog', { token: 9, limit: 2 })).toMatchObject({ isComplete: true });
  expect(await stage.result('readLog', { token: 5 })).toMatchObject({ isComplete: false });
});

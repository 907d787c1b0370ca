// Which role may call which method, and on which queues: each method with each role, over the link itself.
import { expect, test } from 'vitest';
import { type ConsoleSession, type Role, roles } from '../../scheduler/protocol/accounts.ts';
import { strangersMax } from '../../scheduler/protocol/accountLimits.ts';
import { taskId } from '../../scheduler/protocol/brands.ts';
import { type Method, methodSchemas } from '../../scheduler/protocol/consoleWire.ts';
import { includes, leastRoles } from '../../scheduler/protocol/rights.ts';
import type { Console } from '../../scheduler/console/ports.ts';
import { noAccounts, openConsole, openLink, recordOf } from './consoleStage.ts';

const methods = Object.keys(methodSchemas) as Method[];
const everyone = ['nobody', ...roles] as const;
const sessionOf = (role: ConsoleSession['role'], queues: ConsoleSession['queues'] = '*'): ConsoleSession => ({
  user: 'ann',
  role,
  queues,
  source: '10.0.0.1',
});
const linkOf = (console: Console, session: ConsoleSession) => openLink(console, () => session);

test.each(methods.flatMap((method) => everyone.map((role) => [method, role] as const)))(
  '%s by %s',
  async (method, role) => {
    const stage = openConsole();
    // A field that no method knows: who may call it is told so, and nothing happens.
    const reply = await linkOf(stage.console, sessionOf(role)).ask(method, { notAField: 1 });
    const code = reply.ok ? '' : reply.refusal.code;
    if (includes(role, leastRoles[method])) expect(code).toBe('bad_message');
    else expect(code).toBe(role === 'nobody' ? 'not_logged_in' : 'forbidden');
    expect(stage.commands).toEqual([]);
  },
);

test('before a login only these are answered', () => {
  expect(methods.filter((method) => leastRoles[method] === 'anyone').sort()).toEqual([
    'hello',
    'login',
    'logout',
    'whoAmI',
  ]);
});

test('a viewer changes nothing: no command, no secret', () => {
  const changing = methods.filter((method) =>
    /^(set|put|remove|cancel|requeue|submit|retry|start|end|renew|save|reset|create|revoke|forget|run)/.test(
      method,
    ),
  );
  expect(changing.filter((method) => includes('viewer', leastRoles[method]))).toEqual([]);
  expect(includes('operator', leastRoles.createEnrolment)).toBe(false);
});

test('a refusal names the method, the role that is needed, and the own one', async () => {
  const stage = openConsole();
  const params = { nodeId: 'n1', isCordoned: true };
  const reply = await linkOf(stage.console, sessionOf('viewer')).ask('setCordon', params);
  expect(reply).toMatchObject({
    refusal: { code: 'forbidden', message: 'setCordon needs the role operator; ann is viewer' },
  });
});

test('what a window says of itself does not count', async () => {
  const stage = openConsole();
  const link = linkOf(stage.console, sessionOf('viewer'));
  const reply = await link.raw({
    id: 1,
    method: 'setCordon',
    params: { nodeId: 'n1', isCordoned: true, actor: 'root', role: 'administrator' },
  });
  expect(reply).toMatchObject({ refusal: { code: 'forbidden' } });
  const more = await link.raw({ id: 2, method: 'setCordon', role: 'administrator' });
  expect(more.ok).toBe(false);
  expect(stage.commands).toEqual([]);
});

test('an operator pauses a queue that there is, and changes nothing else of it', async () => {
  const stage = openConsole();
  stage.queues.push('press');
  const link = linkOf(stage.console, sessionOf('operator'));
  expect(await link.ask('putQueue', { queue: 'press', change: { mode: 'paused' } })).toMatchObject({
    ok: true,
  });
  for (const params of [
    { queue: 'new', change: { mode: 'paused' } },
    { queue: 'press', change: { mode: 'paused', weight: 9 } },
    { queue: 'press', change: {} },
    { queue: 'press' },
  ])
    expect(await link.ask('putQueue', params)).toMatchObject({ refusal: { code: 'forbidden' } });
  expect(stage.commands).toHaveLength(1);
});

test.each([
  ['submitTasks', { specs: [{ queue: 'press' }] }, true],
  ['submitTasks', { specs: [{ queue: 'press' }, { queue: 'paint' }] }, false],
  ['submitTasks', { specs: [{}] }, false],
  ['submitWorkflow', { workflow: { tasks: [{ ref: 'a', spec: { queue: 'paint' } }] } }, false],
  ['cancelTasks', { taskIds: [1] }, true],
  ['cancelTasks', { taskIds: [1, 2] }, false],
  ['cancelTasks', { taskIds: [99] }, true],
  ['requeueTasks', { taskIds: [3] }, false],
  ['startBulk', { act: 'cancel', filter: { queue: 'press' } }, true],
  ['startBulk', { act: 'cancel', filter: {} }, false],
  ['startBulk', { act: 'cancel', filter: { queue: 'paint' } }, false],
  ['startBulk', { act: 'cancel', ofJob: 1 }, false],
  ['putQueue', { queue: 'press', change: { weight: 2 } }, true],
  ['putQueue', { queue: 'paint', change: { weight: 2 } }, false],
  ['removeQueue', { queue: 'paint' }, false],
  ['setCordon', { nodeId: 'n1', isCordoned: true }, true],
  ['listTasks', { filter: { queue: 'paint' } }, true],
] as const)('with rights on press alone, %s %j: %s', async (method, params, isAllowed) => {
  const stage = openConsole();
  stage.queues.push('press', 'paint');
  stage.live.set(1, ofQueue(1, 'press'));
  stage.live.set(2, ofQueue(2, 'paint'));
  stage.ended.set(3, ofQueue(3, 'paint'));
  const reply = await linkOf(stage.console, sessionOf('engineer', ['press'])).ask(method, params);
  const code = reply.ok ? '' : reply.refusal.code;
  if (isAllowed) expect(code).not.toBe('forbidden');
  else expect(reply).toMatchObject({ refusal: { code: 'forbidden', field: 'queue' } });
});

function ofQueue(id: number, queue: string) {
  const record = recordOf(id, id === 3 ? 'dead_letter' : 'ready');
  return { ...record, taskId: taskId(id), spec: { ...record.spec, queue: queue as never } };
}

test('who has to change the password can do nothing else', async () => {
  const stage = openConsole();
  const link = linkOf(stage.console, { ...sessionOf('administrator'), mustChange: true });
  expect(await link.ask('listNodes', {})).toMatchObject({ refusal: { code: 'forbidden' } });
  expect(await link.ask('whoAmI', {})).toMatchObject({ result: { mustChange: true } });
});

test('a session that ends or changes is told to its window, and nothing is pushed after its end', async () => {
  let session = sessionOf('operator');
  const stage = openConsole();
  const link = openLink(stage.console, () => session);
  await link.ask('watchOverview', { on: true });
  session = sessionOf('viewer');
  stage.tick();
  expect(link.sent.at(-2)).toMatchObject({ push: 'session', who: { role: 'viewer' } });
  session = sessionOf('nobody');
  link.sent.length = 0;
  stage.tick();
  stage.tick();
  expect(link.sent).toMatchObject([{ push: 'session', who: { role: 'nobody' } }]);
});

test('a login takes the place of who the link came as, and a logout ends what was watched', async () => {
  const entry = { token: 't', ticket: 'k', session: sessionOf('engineer') };
  let isIn = true;
  const stage = openConsole({
    accounts: {
      ...noAccounts,
      hasAccounts: true,
      login: () => Promise.resolve({ ok: true, value: entry }),
      look: () => (isIn ? entry.session : undefined),
      logout: () => {
        isIn = false;
      },
    },
  });
  const link = linkOf(stage.console, { ...sessionOf('nobody'), user: 'nobody' });
  expect(await link.ask('hello', { wire: 2 })).toMatchObject({
    result: { version: '', who: { role: 'nobody' } },
  });
  const reply = await link.ask('login', { user: 'ann', password: 'x' });
  expect(reply).toMatchObject({ result: { token: 't', who: { user: 'ann', role: 'engineer' } } });
  await link.ask('watchOverview', { on: true });
  await link.ask('forgetNode', { nodeId: 'n1' });
  expect(stage.commands).toMatchObject([{ kind: 'ForgetNode', actor: 'ann' }]);
  await link.ask('logout', {});
  link.sent.length = 0;
  stage.tick();
  expect(link.sent).toEqual([]);
  expect(await link.ask('listNodes', {})).toMatchObject({ refusal: { code: 'not_logged_in' } });
});

test('strangers leave room for those who have logged in', async () => {
  const stage = openConsole();
  const strangers = Array.from({ length: strangersMax + 1 }, () =>
    linkOf(stage.console, sessionOf('nobody')),
  );
  let answered = 0;
  for (const link of strangers)
    void link.ask('hello', { wire: 2 }).then(() => {
      answered += 1;
    });
  const known: Role = 'viewer';
  expect(await linkOf(stage.console, sessionOf(known)).ask('listNodes', {})).toMatchObject({ ok: true });
  expect(answered).toBe(strangersMax);
});

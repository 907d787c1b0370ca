// Delayed tasks, arrays and workflows through the door for programs and on the command line.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiHost } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
  await host.addNodes(2, 64);
}, 30_000);
afterAll(() => host.stop());

const work = { kind: 'simulated', runMs: 1 };
const failing = { work: { ...work, exitCode: 3 }, retry: { attemptsMax: 1 } };

describe('an array', () => {
  test('of 1,000,001 elements is refused with field and limit', async () => {
    const { status, body } = await host.ask('POST', '/tasks', { work, array: { count: 1_000_001 } });
    expect(status).toBe(400);
    expect(body).toMatchObject({ code: 'bad_message', field: 'array.count' });
    expect(body['detail']).toContain('1000000');
  });

  test('runs, is listed while it lives, and leaves a record with its counts', async () => {
    const taskId = await host.submit(1, { array: { count: 300 }, name: 'sweep' });
    const { body } = await host.ask('GET', `/groups/${String(taskId)}`);
    if (body['code'] !== 'unknown_task')
      expect(body).toMatchObject({ group: { kind: 'array', size: 300, name: 'sweep' } });
    await host.waitForState(taskId, 'succeeded');
    const detail = await host.ask('GET', `/tasks/${String(taskId)}`);
    expect(detail.body).toMatchObject({ record: { reason: '300 succeeded', attempts: [] } });
    const last = await host.ask('GET', `/tasks/${String(taskId + 300)}`);
    expect(last.body).toMatchObject({ record: { group: { groupId: taskId, index: 299, size: 300 } } });
  });

  test('can be asked why it waits, and cancelled, while none of it has begun', async () => {
    const notBeforeMs = Date.now() + 3_600_000;
    const taskId = await host.submit(1, { array: { count: 1_000_000 }, notBeforeMs });
    const why = await host.ask('GET', `/tasks/${String(taskId + 5)}/why`);
    expect(why.body).toMatchObject({ dominant: 'DELAYED', untilMs: notBeforeMs });
    await host.ask('POST', `/tasks/${String(taskId)}/cancel`);
    await host.waitForState(taskId, 'cancelled');
  });
});

describe('a workflow', () => {
  test('is refused as a whole, with the field, and with its cycle by name', async () => {
    const cyclic = ['a', 'b'].map((ref, at, refs) => ({ ref, spec: { work }, after: [refs[1 - at]] }));
    const { status, body } = await host.ask('POST', '/workflows', { tasks: cyclic });
    expect(status).toBe(400);
    expect(body['detail']).toMatch(/a -> b -> a|b -> a -> b/);
    const bad = [{ ref: 'a', spec: { work: { kind: 'simulated' } } }];
    const second = await host.ask('POST', '/workflows', { tasks: bad });
    expect(second.body).toMatchObject({ code: 'bad_message', field: 'tasks.0.spec.work.runMs' });
  });

  test('runs in order; a failure ends what needs it; a retry brings both back', async () => {
    const tasks = [
      { ref: 'a', spec: failing },
      { ref: 'b', spec: { work }, after: ['a'] },
    ];
    const { status, body } = await host.ask('POST', '/workflows', { name: 'w', tasks });
    expect(status).toBe(201);
    const [a = 0, b = 0] = body['taskIds'] as number[];
    await host.waitForState(b, 'cancelled');
    const detail = await host.ask('GET', `/tasks/${String(b)}`);
    expect(detail.body).toMatchObject({ record: { reason: 'needs a, which failed' } });
    const retried = await host.ask('POST', `/groups/${String(body['groupId'])}/retry`);
    expect(retried.body).toEqual({ answers: [{ ok: true }, { ok: true }] });
    await host.waitForState(b, 'cancelled');
    const again = await host.ask('GET', `/tasks/${String(a)}`);
    expect((again.body['record'] as { attempts: unknown[] }).attempts).toHaveLength(2);
  });

  test('on the command line: from a file, listed, shown', async () => {
    const path = join(host.folder, 'workflow.json');
    const tasks = [
      { ref: 'first', spec: { work } },
      { ref: 'second', spec: { work }, after: ['first'], when: 'all_ended' },
    ];
    writeFileSync(path, JSON.stringify({ name: 'nightly', tasks }));
    const { code, out } = await host.millrace(['submit-workflow', path]);
    expect(code).toBe(0);
    const [group = '', , second = ''] = out.split('\n');
    expect((await host.millrace(['wait', second])).code).toBe(0);
    expect((await host.millrace(['groups'])).out).toContain('nightly');
    expect((await host.millrace(['groups', group])).out).toMatch(/second +succeeded +all_ended +first/);
  });
});

test('submit --delay holds a task, --array makes many, wrong use is told', async () => {
  const delayed = await host.millrace(['submit', '--delay', '1h', '--simulate', '1s', '--json']);
  const { taskId } = JSON.parse(delayed.out) as { taskId: number };
  expect(await host.stateOf(taskId)).toBe('held');
  const array = await host.millrace(['submit', '--array', '20', '--simulate', '1ms', '--wait']);
  expect(array.code).toBe(0);
  const wrong = await host.millrace(['submit', '--running-max', '2', '--simulate', '1ms']);
  expect(wrong).toMatchObject({ code: 2 });
  expect((await host.millrace(['submit', '--at', 'soon', '--simulate', '1ms'])).said).toContain(
    'it is a time like',
  );
});

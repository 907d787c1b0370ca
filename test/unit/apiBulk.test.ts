// One act on all tasks that match, on a real host: over HTTP and from the command line.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiHost, type Ended } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
  await host.addNodes(4, 256);
  for (const queue of ['press', 'weld', 'paint']) await host.ask('PUT', `/queues/${queue}`, { weight: 1 });
}, 30_000);
afterAll(() => host.stop());

const fails = { work: { kind: 'simulated', runMs: 1, exitCode: 7 }, retry: { attemptsMax: 1 } };
const millrace = (line: string, input = ''): Promise<Ended> => host.millrace(line.split(' '), input);

async function submit(count: number, spec: object): Promise<number[]> {
  const ids: number[] = [];
  for (let left = count; left > 0; left -= 1_000) {
    const specs = Array.from({ length: Math.min(1_000, left) }, () => spec);
    const { body } = await host.ask('POST', '/tasks/batch', { specs });
    ids.push(...(body['answers'] as { taskId: number }[]).map(({ taskId }) => taskId));
  }
  return ids;
}
async function total(query: string): Promise<number> {
  return (await host.ask('GET', `/tasks?${query}&limit=1`)).body['total'] as number;
}
const isTotal = (query: string, count: number): Promise<void> =>
  expect.poll(() => total(query), { timeout: 20_000, interval: 100 }).toBe(count);

describe('tasks that failed', () => {
  test('are counted, put back as one after a yes, and keep their past', { timeout: 60_000 }, async () => {
    const count = 700;
    const [first = 0] = await submit(count, { ...fails, queue: 'press' });
    await submit(3, { ...fails, queue: 'weld' });
    await isTotal('queue=press&state=dead_letter', count);
    await isTotal('queue=weld&state=dead_letter', 3);
    // Held back, so that what is put back stays in line.
    await host.ask('PUT', '/queues/press', { mode: 'paused' });

    const asked = 'tasks requeue --state dead_letter --queue press';
    const unsaid = await millrace(asked);
    expect(unsaid).toMatchObject({ code: 2, out: '' });
    expect(unsaid.said).toContain(`${String(count)} tasks match: ${String(count)} dead_letter`);
    expect(unsaid.said).toContain('nothing was done');
    expect(await total('queue=press&state=dead_letter')).toBe(count);

    const said = await millrace(asked, 'yes\n');
    expect(said).toMatchObject({ code: 0, out: `requeued ${String(count)}\n` });
    expect(said.said).toContain('to cancel these again: millrace tasks cancel --of-job 1');
    expect(await total('queue=weld&state=dead_letter')).toBe(3);
    expect(await total('queue=press&state=dead_letter')).toBe(0);
    const { body } = await host.ask('GET', `/tasks/${String(first)}`);
    expect(body['record']).toMatchObject({ attempts: [{ attempt: 1, end: { exitCode: 7 } }] });
  });

  test('that were put back can be cancelled as one, and nothing else is', { timeout: 60_000 }, async () => {
    const [other] = await submit(1, { ...fails, queue: 'paint', notBeforeMs: Date.now() + 3_600_000 });
    const { body: job } = await host.ask('POST', '/tasks/bulk', {
      act: 'requeue',
      filter: { queue: 'weld', states: ['dead_letter'] },
    });
    expect(await host.jobEnded(job['jobId'])).toMatchObject({ state: 'done', bulk: { changed: 3 } });
    // They fail again at once, so nothing of them is live any more.
    await isTotal('queue=weld&state=dead_letter', 3);
    const again = await millrace(`tasks cancel --of-job ${String(job['jobId'])}`);
    expect(again).toMatchObject({ code: 1, out: 'cancelled 0, skipped 3 (3 changed meanwhile)\n' });
    expect(await host.stateOf(other ?? 0)).toBe('held');
  });

  test('are not meant by a filter that names no states', async () => {
    const filter = { queue: 'press' };
    const answer = await host.ask('POST', '/tasks/bulk', { act: 'requeue', filter });
    expect(answer).toMatchObject({ status: 400, body: { field: 'filter.states' } });
    expect((await millrace('tasks requeue --queue press --yes')).code).toBe(6);
  });
});

describe('tasks that wait', () => {
  test('are cancelled as one, whole arrays with them', { timeout: 60_000 }, async () => {
    await host.ask('PUT', '/queues/paint', { mode: 'paused' });
    await submit(20, { ...fails, queue: 'paint', tenant: 'north' });
    const [group = 0] = await submit(1, {
      ...fails,
      queue: 'paint',
      tenant: 'north',
      array: { count: 2_000 },
    });
    await isTotal('queue=paint&tenant=north&state=ready', 532);
    const body = { act: 'cancel', filter: { tenant: 'north' } };
    expect((await host.ask('POST', '/tasks/bulk/preview', body)).body).toMatchObject({
      total: 2_020,
      unbegun: 1_488,
    });
    const { code, out } = await millrace('tasks cancel --tenant north --reason rework --yes --json');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      kind: 'cancel',
      state: 'done',
      bulk: { changed: 2_020, skipped: [] },
    });
    await isTotal('tenant=north&state=ready', 0);
    await host.waitForState(group, 'cancelled');
    expect(await total(`groupId=${String(group)}&state=cancelled`)).toBe(512);
    expect((await millrace(`list --group ${String(group)} --limit 1`)).said).toContain('511 more');
  });

  test('by deadline: those that missed it are found, live and ended', { timeout: 60_000 }, async () => {
    const spec = { queue: 'paint', tenant: 'late', deadlineMs: Date.now() + 1 };
    await submit(2, { ...fails, ...spec });
    await submit(1, { ...fails, ...spec, deadlineMs: Date.now() + 3_600_000 });
    await isTotal('tenant=late&missedDeadline=1', 2);
    expect((await millrace('tasks cancel --tenant late --late --yes')).out).toBe('cancelled 2\n');
    await isTotal('tenant=late&missedDeadline=true&state=cancelled', 2);
    expect(await total('tenant=late')).toBe(3);
    expect(await total('tenant=late&missedDeadline=0')).toBe(3);
  });
});

describe('the command', () => {
  test.each([
    ['tasks', 'say requeue or cancel'],
    ['tasks forget', 'say requeue or cancel'],
    ['tasks cancel T-1', 'for tasks by id see'],
    ['tasks cancel --yes', 'give a filter'],
    ['tasks cancel --of-job 1 --queue press', 'takes no filter'],
    ['tasks cancel --group soon', 'is no task id'],
  ])('%s is wrong usage', async (line, said) => {
    const { code, said: told } = await millrace(line);
    expect([code, told]).toEqual([2, expect.stringContaining(said)]);
  });
});

// What `millrace list`, `backup` and `export` do while the hub works: progress, Ctrl-C, and how they end.
import { expect, test } from 'vitest';
import { type Command, readGiven } from '../../scheduler/api/commands/command.ts';
import { list } from '../../scheduler/api/commands/list.ts';
import { backup, exportTasks, storage } from '../../scheduler/api/commands/storage.ts';
import { storage as storageExample } from '../../scheduler/api/examples.ts';

type Asked = {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly query?: object;
};

/** Runs a command with a hub that answers by `answer`. */
async function run(command: Command, args: string[], answer: (asked: Asked) => unknown) {
  const asked: Asked[] = [];
  const told = { out: '', said: '' };
  const client = {
    ask: (_schema: unknown, call: Asked) => {
      asked.push(call);
      return Promise.resolve(answer(call));
    },
  };
  const code = await command.run(readGiven(command, args), {
    client: client as never,
    out: (text) => (told.out += text),
    say: (text) => (told.said += text),
    input: process.stdin,
    isJson: args.includes('--json'),
  });
  return { code, asked, ...told };
}

const job = { jobId: 4, kind: 'backup', actor: 'a', startedAtMs: 1, done: 1, total: 2, state: 'running' };
const stateWith = (change: object) => ({ ...storageExample, jobs: [{ ...job, ...change }] });

test('backup waits for its job, and prints where the copy is', async () => {
  let looks = 0;
  const { code, out, asked } = await run(backup, ['--folder', '/b'], ({ method }) => {
    if (method === 'POST') return job;
    looks += 1;
    return stateWith(looks < 2 ? {} : { state: 'done', path: '/b/millrace-1', bytes: 2 ** 20 });
  });
  expect({ code, out }).toEqual({ code: 0, out: '/b/millrace-1\n' });
  expect(asked[0]).toEqual({ method: 'POST', path: '/storage/backups', body: '{"folder":"/b"}' });
});

test('a failed export says why and ends with 1; one that the hub forgot is an error of the hub', async () => {
  const args = ['--format', 'csv', '--state', 'cancelled,dead_letter', '--label', 'a=b:c'];
  const failed = await run(exportTasks, args, ({ method }) =>
    method === 'POST' ? job : stateWith({ kind: 'export', state: 'failed', message: 'no room' }),
  );
  expect(failed).toMatchObject({ code: 1, said: 'export failed: no room\n' });
  expect(JSON.parse(failed.asked[0]?.body ?? '')).toEqual({
    format: 'csv',
    filter: { states: ['cancelled', 'dead_letter'], labels: { a: 'b:c' } },
  });
  const forgotten = run(exportTasks, args, ({ method }) =>
    method === 'POST' ? job : { ...storageExample, jobs: [] },
  );
  await expect(forgotten).rejects.toMatchObject({ exitCode: 8 });
});

test('Ctrl-C cancels the job, waits for its end, and ends with 130', async () => {
  let isCancelled = false;
  const { code, said, asked } = await run(backup, [], ({ path }) => {
    if (path.endsWith('/cancel')) isCancelled = true;
    if (path !== '/storage') return job;
    if (!isCancelled) process.emit('SIGINT');
    return stateWith(isCancelled ? { state: 'cancelled' } : {});
  });
  expect({ code, said }).toEqual({ code: 130, said: 'backup cancelled\n' });
  expect(asked.filter(({ path }) => path === '/storage/jobs/4/cancel')).toHaveLength(1);
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('list goes on while pages stop at their bound; Ctrl-C ends it with what was found', async () => {
  const page = (rows: number, more: object) => ({ rows: Array(rows).fill({ ...row }), total: 9, ...more });
  const pages = [page(1, { nextBefore: 50, looked: 9 }), page(0, { nextBefore: 20, looked: 9 }), page(1, {})];
  const whole = await run(list, ['--text', 'x', '--ids'], () => pages.shift());
  expect(whole).toMatchObject({ code: 0, out: 'T-16\nT-16\n' });
  expect(whole.asked.map(({ query }) => (query as { before?: number }).before)).toEqual([undefined, 50, 20]);
  const stopped = await run(list, ['--text', 'x', '--ids'], () => {
    process.emit('SIGINT');
    return page(1, { nextBefore: 50, looked: 9 });
  });
  expect(stopped).toMatchObject({
    code: 130,
    out: 'T-16\n',
    said: 'stopped; older tasks were not looked at\n',
  });
});

test('storage tells sizes, bounds, plan and jobs in words', async () => {
  const { code, out } = await run(storage, [], () => storageExample);
  expect(code).toBe(0);
  expect(out).toMatch(/^history {2}69\.6 MiB: 120000 ended tasks, since 2026-/m);
  expect(out).toMatch(/^keeps {4}at most 10000000 tasks, 365 days, 8192\.0 MiB of output$/m);
  expect(out).toMatch(/^backups {2}each 24 h into \/backup, 7 are kept; last 2026-/m);
  expect(out).toMatch(/^3 +backup +done /m);
});

const row = {
  taskId: 42,
  name: '',
  state: 'succeeded',
  waiting: 'none',
  queue: 'q',
  attempt: 1,
  attemptsMax: 1,
  submittedAtMs: 1,
};

// The `millrace` command line as a process: its exit codes, its words, and the whole life of 10,000 tasks.
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiHost, type Ended, run } from './support/apiHost.ts';

let host: ApiHost;
const folder = mkdtempSync(join(tmpdir(), 'millrace-cli-'));
beforeAll(async () => {
  host = await ApiHost.start();
  await host.addNodes(20, 256);
}, 30_000);
afterAll(async () => {
  await host.stop();
  rmSync(folder, { recursive: true, force: true });
});

const millrace = (line: string, input = ''): Promise<Ended> => host.millrace(line.split(' '), input);
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');

describe('exit codes', () => {
  test.each<[number, string, string]>([
    [2, 'submitt', 'there is no command submitt'],
    [2, 'list --colour red', "Unknown option '--colour'"],
    [2, 'list --limit many', '--limit many: it is a whole number'],
    [2, 'get', 'give one task id'],
    [2, 'get xyz', 'xyz is no task id'],
    [2, 'wait T-1 --timeout soon', 'it is a time like'],
    [2, 'submit', 'name a program after --'],
    [2, 'submit --file tasks --queue a', '--queue does not go with --file'],
    [2, 'submit --file /none/tasks', 'cannot be read'],
    [2, 'submit --env X -- true', '--env X: it is NAME=VALUE'],
    [2, 'declare-lost V/3', 'add --confirm V/3'],
    [6, 'declare-lost V/3 --confirm V/3', 'V/3 is connected'],
    [2, 'put-queue q', 'give --weight'],
    [2, 'put-queue q --burst much', 'it is like cpu=4000'],
    [2, 'pause-queue nowhere', 'there is no queue nowhere'],
    [6, 'remove-queue default', 'it stays'],
    [2, 'list --label line', '--label line: it is NAME=VALUE'],
    [2, 'count', 'give --by: one of state, queue, tenant, node, kind, hour, day'],
    [2, 'export', 'give --format'],
    [2, 'backup /tmp', 'name the folder with --folder'],
    [2, 'storage now', 'storage takes no words'],
    [2, 'list --hub nowhere', 'it is an address like'],
    [3, 'list --data /none', 'no hub runs with the data folder /none'],
    [3, 'list --hub http://127.0.0.1:1', 'cannot reach the hub at http://127.0.0.1:1'],
    [4, 'list --token wrong', 'this is not the apiToken'],
    [4, 'list --hub http://127.0.0.1:1 --data /none', 'no API token'],
    [5, 'get T-ZZZZZ', 'there is no task T-ZZZZZ'],
    [5, 'wait T-ZZZZZ', ''],
    [5, 'cancel T-ZZZZZ', 'there is no task T-ZZZZZ'],
    [5, 'nodes nobody', 'there is no node nobody'],
    [6, 'list --state asleep', 'states'],
    [6, 'submit --priority 11 -- true', 'priority'],
    [6, 'submit --queue none -- true', 'queue none does not exist'],
    [6, 'put-queue q --weight 0', 'weight'],
    [6, 'count --by colour', 'by'],
    [6, 'backup', 'name a folder, or set a backup plan'],
    [6, 'backup --folder backups', 'is not an absolute path'],
    [6, 'export --format xls', 'format'],
    [6, 'export --format csv --state running', 'live tasks are not exported'],
  ])('%i for millrace %s', async (code, line, words) => {
    const ended = await millrace(line);
    expect(ended.said).toContain(words);
    expect(ended.said).not.toContain('    at ');
    expect(ended.code).toBe(code);
  });

  test('of wait and submit --wait are the task’s own; of several, 1 where one failed', async () => {
    expect(await millrace('submit --simulate 5ms --wait')).toMatchObject({ code: 0 });
    const failing = 'submit --simulate 5ms --exit-code 42 --attempts 1';
    expect(await millrace(`${failing} --wait`)).toMatchObject({ code: 42 });
    const ids = [await millrace('submit --simulate 5ms'), await millrace(failing)].map(({ out }) =>
      out.trim(),
    );
    expect(await millrace(`wait ${ids.join(' ')}`)).toMatchObject({ code: 1 });
  });

  test('124 where --timeout passes, 0 once it was cancelled and waited for: cancelled is 1', async () => {
    const id = (await millrace('submit --simulate 1h')).out.trim();
    expect(await millrace(`wait ${id} --timeout 300ms`)).toMatchObject({ code: 124 });
    expect(await millrace(`cancel ${id} --reason test`)).toMatchObject({ code: 0 });
    expect(await millrace(`wait ${id}`)).toMatchObject({ code: 1, out: `${id} cancelled\n` });
    expect(await millrace(`cancel ${id}`)).toMatchObject({ code: 6 });
  });

  test('something else at the address is said plainly', async () => {
    const other = createServer((socket) => {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno');
    });
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const ended = await millrace(`list --hub http://127.0.0.1:${port}`);
    other.close();
    expect(ended).toMatchObject({
      code: 5,
      said: expect.stringContaining('is it a Millrace hub?') as string,
    });
  });

  test('with --json a refusal is the problem answer itself', async () => {
    const { said } = await millrace('get 999999 --json');
    expect(JSON.parse(said)).toMatchObject({ status: 404, code: 'unknown_task' });
  });
});

describe('words', () => {
  test('every command has help, and the whole lists each', async () => {
    const { code, out } = await millrace('--help');
    expect(code).toBe(0);
    const names = [...out.matchAll(/^ {2}([a-z-]+) {2,}/gm)].map(([, name = '']) => name);
    for (const name of ['submit', 'why', 'what-if', 'drain-queue', 'schedules', 'journal'])
      expect(names).toContain(name);
    // Those that work without a hub have helps of their own.
    const online = names.filter((name) => name !== 'journal' && name !== 'restore');
    const helps = await Promise.all(online.map((name) => millrace(`${name} --help`)));
    for (const [at, help] of helps.entries()) {
      expect(help.code).toBe(0);
      expect(help.out).toContain(`millrace ${online[at] ?? ''}`);
      expect(help.out).toContain('--json');
    }
  });

  test('tasks are counted and exported, and a backup is made, by one command each', async () => {
    await millrace('submit --simulate 1ms --tenant acme --label shift=night --wait');
    expect((await millrace('count --by tenant --tenant acme')).out).toBe('TENANT  TASKS\nacme    1\n');
    expect((await millrace('list --label shift=night --ids')).out).toMatch(/^T-\w+\n$/);
    expect((await millrace('list --label shift=day --ids')).out).toBe('');
    const exported = await millrace('export --format ndjson --tenant acme');
    expect(exported).toMatchObject({ code: 0, said: expect.stringContaining('export done') as string });
    const [line = ''] = linesOf(readFileSync(exported.out.trim(), 'utf8'));
    expect(line).toContain('acme');
    const copied = await millrace(`backup --folder ${folder}`);
    expect(copied).toMatchObject({ code: 0, said: expect.stringContaining('backup done') as string });
    expect(await millrace(`backup verify ${copied.out.trim()}`)).toMatchObject({ code: 0 });
    const told = await millrace('storage');
    expect(told.out).toContain(copied.out.trim());
  });

  test('address and token may come from the environment alone', async () => {
    const environment = { MILLRACE_HUB: host.address, MILLRACE_TOKEN: host.secrets.apiToken, HOME: folder };
    const ended = await run(
      process.execPath,
      ['scheduler/host/commandLine.ts', 'health', '--json'],
      environment,
    );
    expect(ended.code).toBe(0);
    expect(JSON.parse(ended.out)).toMatchObject({ nodes: { online: 20 } });
  });

  test('a node is cordoned and let work again; queues are made and listed', async () => {
    expect((await millrace('cordon V/3')).out).toBe('V/3 cordoned\n');
    expect((await millrace('nodes V/3')).out).toContain('online, cordoned');
    expect((await millrace('uncordon V/3')).out).toBe('V/3 uncordoned\n');
    expect((await millrace('put-queue night --weight 2 --burst cpu=4000 --rate-per-s 2.5')).out).toBe(
      'night: weight 2, burst {"cpu":4000}, ratePerS 2.5\n',
    );
    expect((await millrace('put-queue night --burst none')).out).toBe('night: burst none\n');
    expect((await millrace('pause-queue night')).out).toBe('night is paused\n');
    expect((await millrace('queues')).out).toContain('QUEUE_PAUSED');
    expect((await millrace('drain-queue night')).out).toBe('night is draining\n');
    expect((await millrace('submit --queue night -- true')).said).toContain('queue night is draining');
    expect((await millrace('resume-queue night')).out).toBe('night is open\n');
    expect((await millrace('put-tenant paint --weight 3')).out).toBe('paint: weight 3\n');
    expect((await millrace('tenants')).out).toContain('paint');
    expect((await millrace('remove-tenant paint')).out).toBe('paint removed\n');

    expect((await millrace('queues')).out).toMatch(/^night +open +2 /m);
    expect(linesOf((await millrace('nodes --all --json')).out)).toHaveLength(20);
  });

  test('a task is told in words: what it is, why it waits, its output', async () => {
    const id = (await millrace('submit --simulate 5ms --name odd\u001b[2J --cpu 999999')).out.trim();
    expect((await millrace(`get ${id}`)).out).toMatch(/^state +ready$/m);
    expect((await millrace(`get ${id}`)).out).not.toContain('\u001b');
    expect((await millrace(`why ${id}`)).out).toContain('INSUFFICIENT_CPU');
    expect((await millrace(`logs ${id}`)).code).toBe(0);
    await millrace(`cancel ${id}`);
    expect(await millrace(`logs -f ${id}`)).toMatchObject({ code: 0, out: '' });
    expect((await millrace(`retry ${id}`)).out).toBe(`${id} back in its queue\n`);
    await millrace(`cancel ${id}`);
  });

  test('bad lines of a file are told by number, the good ones are taken', async () => {
    const good = '{"work":{"kind":"simulated","runMs":1}}';
    const long = `{"name":"${'x'.repeat(300_000)}"}`;
    const ended = await millrace('submit --file -', [good, '{', '', '{"work":7}', long, good].join('\n'));
    expect(ended.code).toBe(1);
    expect(linesOf(ended.out)).toHaveLength(2);
    expect(ended.said).toMatch(/line 2: .*not valid JSON[^]*line 5: .*too_large[^]*line 4: .*bad_message/);
    expect(ended.said).toContain('submitted 2, refused 3');
  });
});

test('10,000 tasks: submitted from a file, waited for, listed, failed ones retried, the rest cancelled', async () => {
  const count = 10_000;
  const file = join(folder, 'tasks.ndjson');
  const taskOf = (at: number): string =>
    JSON.stringify({
      name: `life ${at}`,
      queue: 'life',
      work: { kind: 'simulated', runMs: 20, exitCode: at % 100 === 0 ? 1 : 0 },
      ask: { cpu: 10, memory: 1 },
      retry: { attemptsMax: 1 },
    });
  writeFileSync(file, Array.from({ length: count }, (_, at) => taskOf(at)).join('\n'));
  await millrace('put-queue life --weight 1');
  const startedMs = performance.now();
  const took: Record<string, number> = {};
  const step = async (name: string, args: string, input = ''): Promise<Ended> => {
    const beganMs = performance.now();
    const ended = await millrace(args, input);
    took[name] = Math.round(performance.now() - beganMs);
    return ended;
  };

  const submitted = await step('submit', `submit --file ${file}`);
  expect(submitted.code).toBe(0);
  expect(new Set(linesOf(submitted.out)).size).toBe(count);
  const waited = await step('wait', 'wait -', submitted.out);
  expect(waited.code).toBe(1);
  expect(linesOf(waited.out).filter((line) => line.endsWith(' succeeded exit 0'))).toHaveLength(count - 100);
  expect(linesOf(waited.out).filter((line) => line.endsWith(' dead_letter exit 1'))).toHaveLength(100);

  const failed = await step('list failed', 'list --queue life --state dead_letter --all --ids');
  expect(linesOf(failed.out)).toHaveLength(100);
  expect((await step('retry', 'retry -', failed.out)).code).toBe(0);
  expect((await step('wait again', 'wait -', failed.out)).code).toBe(1);
  const listed = await step('list all', 'list --queue life --all --json');
  const rows = linesOf(listed.out).map((line) => JSON.parse(line) as { taskId: number; state: string });
  expect(new Set(rows.map((row) => row.taskId)).size).toBe(count);
  took['life'] = Math.round(performance.now() - startedMs);

  const longer = readFileSync(file, 'utf8').replaceAll('"runMs":20', '"runMs":3600000');
  const second = await step('submit again', 'submit --file - --json', longer);
  const ids = linesOf(second.out)
    .map((line) => String((JSON.parse(line) as { taskId: number }).taskId))
    .join(' ');
  expect((await step('cancel', 'cancel -', ids)).code).toBe(0);
  expect((await step('wait cancelled', 'wait -', ids)).code).toBe(1);
  expect((await millrace('list --queue life --state ready,running,cancelling --json')).out).toBe('');
  process.stdout.write(`10,000 tasks by the command line, ms: ${JSON.stringify(took)}\n`);
}, 120_000);

test('a token file that is not ours to read leaves the token to be given', async () => {
  const unreadable = mkdtempSync(join(folder, 'foreign-'));
  writeFileSync(join(unreadable, 'hub.json'), JSON.stringify({ address: host.address }));
  writeFileSync(join(unreadable, 'secrets.json'), '{"apiToken": 7}');
  chmodSync(unreadable, 0o700);
  expect(await millrace(`list --data ${unreadable}`)).toMatchObject({ code: 4 });
  const given = `list --data ${unreadable} --token ${host.secrets.apiToken}`;
  expect(await millrace(given)).toMatchObject({ code: 0 });
});

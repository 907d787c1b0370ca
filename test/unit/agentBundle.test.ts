// The agent's bundle: installed into a scratch root it runs a task of a real hub with no Node on PATH; and its doctor.
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { packageAgent } from '../../.ci/packageAgent.ts';
import { clockFinding } from '../../agent/doctor.ts';
import { connectConsole, readSecrets } from '../e2e/consoleClient.ts';
import { enrolmentToken } from '../enrolmentToken.ts';
import { until } from './support/agentHub.ts';

const root = new URL('../..', import.meta.url).pathname;
const children: ChildProcess[] = [];
let folder: string;
let bundle: string;
/** All of the system's programs but Node. */
let tools: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-bundle-'));
  bundle = await packageAgent('linux-x64', folder);
  tools = join(folder, 'tools');
  mkdirSync(tools);
  for (const name of readdirSync('/usr/bin'))
    if (!/^(node|npm|npx)/.test(name)) symlinkSync(join('/usr/bin', name), join(tools, name));
}, 120_000);
afterAll(async () => {
  for (const child of children) {
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await gone;
  }
  rmSync(folder, { recursive: true, force: true });
});

function start(program: string, args: readonly string[], env: NodeJS.ProcessEnv): () => string {
  const child = spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return () => said;
}
const script = (name: string, ...args: string[]): { status: number | null; stderr: string } =>
  spawnSync(join(bundle, name), args, { env: { PATH: tools }, encoding: 'utf8' });

test('the bundle states its C library, carries licences, and installs, runs a task, is examined and uninstalled', async () => {
  expect(readFileSync(join(bundle, 'TARGET'), 'utf8')).toMatch(/^\d+\.\d+\.\d+ x86_64 2\.28\n$/);
  expect(readdirSync(join(bundle, 'LICENSES'))).toEqual(
    expect.arrayContaining(['millrace', 'node', 'valibot']),
  );
  expect(existsSync(`${bundle}.tar.gz`)).toBe(true);
  const scratch = join(folder, 'scratch');
  expect(script('install.sh', '--root', scratch)).toMatchObject({ status: 0 });
  const home = join(scratch, 'opt/millrace-agent');
  expect(readlinkSync(join(home, 'current'))).toMatch(/^versions\//);
  const settings = join(scratch, 'etc/millrace/agent.env');
  appendFileSync(settings, '# mine\n');
  // A second installation keeps what the operator wrote.
  expect(script('install.sh', '--root', scratch)).toMatchObject({ status: 0 });
  expect(readFileSync(settings, 'utf8')).toContain('# mine');

  const hostData = join(folder, 'host');
  const hostArgs = [join(root, 'scheduler/host/entry.ts'), '--data', hostData, '--port', '0'];
  const hostSaid = start(process.execPath, hostArgs, process.env);
  const addressOf = (): string | undefined => /agents join at (\S+)/.exec(hostSaid())?.[1];
  await until(() => addressOf() !== undefined, 'the host listens', 20_000);
  const hub = addressOf() ?? '';
  const program = join(home, 'current/bin/millrace-agent');
  const env = { PATH: tools, MILLRACE_ENROL_TOKEN: await enrolmentToken(hub, hostData, 1) };
  expect(spawnSync('node', [], { env }).error).toMatchObject({ code: 'ENOENT' });
  const args = ['--hub', hub, '--node', 'PRESS-07', '--data', join(folder, 'agent'), '--cpu', '1000'];
  const examined = execFileSync(program, ['doctor', '--json', ...args], { env, encoding: 'utf8' });
  const findings = JSON.parse(examined) as { check: string; state: string }[];
  expect(findings.find(({ check }) => check === 'hub')).toMatchObject({ state: 'ok' });
  expect(findings.find(({ check }) => check === 'clock')).toMatchObject({ state: 'ok' });
  expect(existsSync(join(folder, 'agent'))).toBe(false);

  const agentSaid = start(program, args, env);
  const console = await connectConsole(hub, readSecrets(hostData).consoleToken);
  const work = { kind: 'command', argv: ['echo done > made'], shell: true, cwd: folder } as const;
  await console.call('submitTasks', { specs: [{ work, ask: { cpu: 100, memory: 64 } }] });
  await until(() => existsSync(join(folder, 'made')), `the task ran: ${agentSaid()}`, 30_000);
  console.close();

  expect(script('uninstall.sh', '--root', scratch)).toMatchObject({ status: 0 });
  expect(existsSync(home)).toBe(false);
  expect(existsSync(settings)).toBe(true);
  expect(script('uninstall.sh', '--root', scratch, '--purge')).toMatchObject({ status: 0 });
  expect(existsSync(settings)).toBe(false);
});

test('doctor says what to do about a hub that is not there, with exit code 1', () => {
  const args = ['doctor', '--hub', 'http://127.0.0.1:1', '--data', join(folder, 'none')];
  const { status, stdout } = spawnSync(join(bundle, 'bin/millrace-agent'), args, {
    env: { PATH: tools },
    encoding: 'utf8',
  });
  expect(status).toBe(1);
  expect(stdout).toMatch(/^missing {2}hub .*ECONNREFUSED.*\n +-> is the address right/m);
});

test('doctor tells of a clock that is off', () => {
  expect(clockFinding(4_000)).toMatchObject({ state: 'ok' });
  expect(clockFinding(-9_000)).toMatchObject({ state: 'limited', found: '9 s behind the hub' });
});

test('a damaged bundle is not installed', () => {
  appendFileSync(join(bundle, 'lib/agent.cjs'), ' ');
  const scratch = join(folder, 'damaged');
  const { status, stderr } = script('install.sh', '--root', scratch);
  expect(status).toBe(1);
  expect(stderr).toContain('the bundle is damaged');
  expect(existsSync(scratch)).toBe(false);
});

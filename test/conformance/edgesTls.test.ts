// A real host that speaks TLS, with edges: agents are handed over and resume, the command line and the simulated plant
// find their way, and a host that starts again is the same to all of them.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import { openEdgePlant, until } from './edgeStage.ts';

const nodes = 20;
const root = join(import.meta.dirname, '../..');

test('agents are handed over to edges with one certificate, and come back to them with their tickets', async () => {
  const plant = await openEdgePlant(2, nodes, true);
  expect(plant.address).toMatch(/^https:/);
  expect(statSync(join(plant.folder, 'tls.json')).mode & 0o777).toBe(0o600);
  expect(await plant.metric('moved_connections_total')).toBeGreaterThanOrEqual(nodes);
  // Each shook hands at the first port and resumed at its edge: the ticket of one port is good at another.
  await until(async () => (await plant.metric('tls_resumed_total')) >= nodes, 'they resumed');
  expect(await plant.metric('tls_failures_total')).toBe(0);
  const [killed = 0] = plant.logged('an edge takes agents').map(({ pid }) => pid);
  process.kill(killed, 'SIGKILL');
  await until(() => plant.agents.some(({ connection }) => !connection.isJoined), 'its agents notice');
  await until(() => plant.agents.every(({ connection }) => connection.isJoined), 'all are back');
  // A renewed certificate is taken by every port, while agents stay.
  const ports = [
    Number(new URL(plant.address).port),
    ...plant.logged('an edge takes agents').map(({ port }) => port),
  ];
  const serials = async () =>
    new Set(await Promise.all(ports.map((port) => serialAt(port, plant.authority))));
  const before = await serials();
  expect(before.size).toBe(1);
  expect(await plant.console.call('renewCertificate', {})).toEqual({ renewed: true });
  await until(async () => {
    const now = await serials();
    return now.size === 1 && ![...now].some((serial) => before.has(serial));
  }, 'every port shows the new one');
  expect(plant.agents.every(({ connection }) => connection.isJoined)).toBe(true);
  const { code } = await plant.console.call('createEnrolment', {});
  expect(code).toMatch(/^[\w-]+\.[\w-]{43}$/);
  const specs = Array.from({ length: 40 }, () => ({ work: { kind: 'simulated' as const, runMs: 50 } }));
  const { answers } = await plant.console.call('submitTasks', { specs });
  expect(answers.every(({ ok }) => ok)).toBe(true);
  await until(async () => (await plant.metric('history_tasks')) === 40, 'all tasks ended');
});

test('the command line of the same machine reaches the hub, and the simulated plant joins it', async () => {
  const plant = await openEdgePlant(0, 1, true);
  const run = (...args: string[]) => {
    const program = join(root, 'scheduler/host/commandLine.ts');
    return spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 30_000 });
  };
  const listed = run('nodes', '--data', plant.folder, '--json');
  expect(listed).toMatchObject({ status: 0, stderr: '' });
  expect(listed.stdout).toContain('"n0"');
  const port = Number(new URL(plant.address).port);
  const before = await serialAt(port, plant.authority);
  expect(run('renew-certificate', '--data', plant.folder)).toMatchObject({
    status: 0,
    stdout: 'the hub has a new certificate\n',
  });
  expect(await serialAt(port, plant.authority)).not.toBe(before);
  const { entries } = await plant.console.call('listAudit', {
    filter: { action: 'renewCertificate' },
    limit: 1,
  });
  expect(entries).toMatchObject([{ actor: 'owner', outcome: 'done' }]);
  const submitted = run('submit', '--data', plant.folder, '--', 'true');
  expect(submitted.stderr).toBe('');
  expect(submitted.status).toBe(0);
  // Without the folder it does not know the hub, and says nothing to it.
  const stranger = run('nodes', '--hub', plant.address, '--token', 'x', '--data', join(plant.folder, 'none'));
  expect(stranger.status).toBe(3);
  await plant.console.call('startSimulation', { nodes: 5, seed: 1, load: 0 });
  await until(async () => (await plant.metric('nodes_online')) === 6, 'its machines joined');
  await plant.console.call('endSimulation', {});
});

function serialAt(port: number, ca: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ...(ca !== undefined && { ca }) }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.end();
    });
    socket.once('error', reject);
  });
}

// Agents' sockets in processes of their own: a real host, real edges, and what their end costs.
import { io } from 'socket.io-client';
import { expect, test } from 'vitest';
import type { TaskId } from '../../scheduler/protocol/brands.ts';
import { type EdgePlant, isAlive, openEdgePlant, until } from './edgeStage.ts';

const nodes = 40;
const tasks = 200;

test('an edge that is killed costs its own agents a reconnect, and no task', async () => {
  const plant = await openEdgePlant(2, nodes);
  expect(await plant.metric('agents')).toBe(nodes);
  expect(await plant.metric('moved_connections_total')).toBeGreaterThanOrEqual(nodes);
  const [killed = 0, other = 0] = pidsOf(plant);
  expect(new Set([killed, other, plant.child.pid]).size).toBe(3);
  const specs = Array.from({ length: tasks }, (_, at) => ({
    work: { kind: 'simulated' as const, runMs: 1_000 + at * 10 },
    ask: { cpu: 500, memory: 64 },
  }));
  const { answers } = await plant.console.call('submitTasks', { specs });
  const taskIds = answers.flatMap((answer) => (answer.ok ? [answer.taskId] : []));
  expect(taskIds).toHaveLength(tasks);
  await until(async () => (await plant.metric('tasks_running')) >= tasks / 2, 'half of them run');
  process.kill(killed, 'SIGKILL');
  await until(() => plant.agents.some(({ connection }) => !connection.isJoined), 'its agents notice');
  const joinsOf = () => plant.agents.map(({ connection }) => connection.counts.joins);
  await until(() => plant.agents.every(({ connection }) => connection.isJoined), 'all are back');
  expect(new Set(joinsOf())).toEqual(new Set([1, 2]));
  const [{ agents: lost } = { agents: 0 }] = plant.logged('an edge is lost');
  expect(lost).toBeGreaterThan(nodes / 4);
  expect(lost).toBeLessThan((3 * nodes) / 4);
  expect(joinsOf().filter((joins) => joins === 2)).toHaveLength(lost);
  await until(async () => await allSucceeded(plant.console, taskIds), 'all tasks succeed');
  // An attempt whose node was silent is not given elsewhere, since the silence was the host's own.
  expect(new Set(plant.dispatched.map(({ taskId }) => taskId)).size).toBe(tasks);
  expect(plant.dispatched.every(({ attempt }) => attempt === 1)).toBe(true);
  await until(async () => (await plant.metric('edges_listening')) === 2, 'the edge is there again');
  expect(await plant.metric('edge_ends_total')).toBe(1);
  expect(pidsOf(plant)).toHaveLength(3);
});

test('edges end by themselves when their host is killed', async () => {
  const plant = await openEdgePlant(2, 2);
  const pids = pidsOf(plant);
  expect(pids.filter(isAlive)).toHaveLength(2);
  plant.child.kill('SIGKILL');
  await until(() => !pids.some(isAlive), 'they are gone');
});

test('an agent of an older wire is refused at the first port, and not sent on', async () => {
  const { address } = await openEdgePlant(1, 1);
  const auth = { wire: 3, nodeId: 'old', enrolToken: 'any' };
  const socket = io(`${address}/agent`, { transports: ['websocket'], reconnection: false, auth });
  const error = await new Promise<{ data?: unknown }>((resolve) => socket.once('connect_error', resolve));
  socket.close();
  expect(error.data).toMatchObject({ code: 'wire_version' });
});

/** Of the edges that have listened, oldest first. */
const pidsOf = (plant: EdgePlant): number[] => plant.logged('an edge takes agents').map(({ pid }) => pid);

async function allSucceeded(console: EdgePlant['console'], taskIds: readonly TaskId[]): Promise<boolean> {
  const { standings } = await console.call('getStates', { taskIds: [...taskIds] });
  return standings.every(({ state }) => state === 'succeeded');
}

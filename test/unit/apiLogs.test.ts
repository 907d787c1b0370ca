// Output of real programs over the door and the command line: in pages, as text, and followed while it comes.
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiHost } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
  await host.addAgent('R1');
}, 30_000);
afterAll(() => host.stop());

async function runShell(line: string): Promise<number> {
  const work = { kind: 'command', argv: [line], shell: true };
  const { body } = await host.ask('POST', '/tasks', { work, retry: { attemptsMax: 1 } });
  return body['taskId'] as number;
}

test('what a program prints is read as pieces, as text, and one stream alone', async () => {
  const taskId = await runShell('echo first; echo oops >&2; sleep 0.2; echo last');
  await host.waitForState(taskId, 'succeeded');
  const page = await host.ask('GET', `/tasks/${taskId}/logs`);
  const pieces = page.body['pieces'] as { piece: number; stream: string; text: string }[];
  expect(pieces.map(({ piece }) => piece)).toEqual(pieces.map((_, at) => at + 1));
  expect(page.body['isComplete']).toBe(true);
  const rest = await host.ask('GET', `/tasks/${taskId}/logs?after=1&limit=1`);
  expect(rest.body['pieces']).toEqual(pieces.slice(1, 2));
  const text = await host.ask('GET', `/tasks/${taskId}/logs?format=text`);
  expect(text.headers.get('content-type')).toBe('text/plain; charset=utf-8');
  expect(text.text.split('\n').sort()).toEqual(['', 'first', 'last', 'oops']);
  expect((await host.ask('GET', `/tasks/${taskId}/logs?format=text&stream=stderr`)).text).toBe('oops\n');
  const told = await host.millrace(['logs', String(taskId)]);
  expect(told).toMatchObject({ code: 0, out: 'first\nlast\n', said: 'oops\n' });
});

test('a follower hears each line as it is printed, and the end', async () => {
  const taskId = await runShell('for i in 1 2 3 4; do echo line $i; sleep 0.3; done; exit 3');
  const response = await fetch(`${host.address}/api/v1/tasks/${taskId}/logs?follow=1`, {
    headers: { authorization: `Bearer ${host.secrets.apiToken}` },
  });
  const heardAtMs: number[] = [];
  let text = '';
  for await (const chunk of response.body ?? []) {
    text += new TextDecoder().decode(chunk as Uint8Array);
    if (text.split('event: piece').length - 1 > heardAtMs.length) heardAtMs.push(performance.now());
  }
  expect(text).toMatch(/line 1[^]*line 2[^]*line 3[^]*line 4/);
  expect((heardAtMs.at(-1) ?? 0) - (heardAtMs[0] ?? 0)).toBeGreaterThan(500);
  expect(text).toMatch(/event: end\ndata: {"state":"dead_letter","exitCode":3[^\n]*}\n\n$/);
  const again = await host.millrace(['logs', '-f', String(taskId)]);
  expect(again).toMatchObject({ code: 0, out: 'line 1\nline 2\nline 3\nline 4\n' });
});

test('much output comes whole and in order to a follower that started with the task', async () => {
  const taskId = await runShell('seq 1 60000');
  const followed = await host.millrace(['logs', '-f', String(taskId)]);
  const lines = followed.out.trimEnd().split('\n');
  expect(lines).toHaveLength(60_000);
  expect(lines.every((line, at) => line === String(at + 1))).toBe(true);
});

test('a follower is told when the hub goes away before the task has ended', async () => {
  const other = await ApiHost.start();
  const taskId = await other.submit(600_000);
  // A command takes so long to start and to reach the hub; the follower has twice that.
  const startedAtMs = Date.now();
  await other.millrace(['health']);
  const following = other.millrace(['logs', '-f', String(taskId)]);
  await new Promise((resolve) => setTimeout(resolve, 1_000 + 2 * (Date.now() - startedAtMs)));
  await other.stop();
  const { code, said } = await following;
  expect(said).toContain('the hub went away before the task ended');
  expect(code).toBe(3);
});

test('the hub stops in good time although somebody never ends a request', async () => {
  const other = await ApiHost.start();
  const { hostname, port } = new URL(other.address);
  const socket = connect(Number(port), hostname);
  const head = `Host: a\r\nAuthorization: Bearer ${other.secrets.apiToken}\r\nContent-Type: application/json`;
  socket.write(
    `POST /api/v1/tasks HTTP/1.1\r\n${head}\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once('data', resolve));
  socket.on('error', () => undefined);
  const beganMs = performance.now();
  await other.stop();
  expect(performance.now() - beganMs).toBeLessThan(5_000);
});

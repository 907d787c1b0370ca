// The door for programs: what it does, and how it refuses each class of bad request.
import { request } from 'node:http';
import { connect } from 'node:net';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { submitBatchMax } from '../../scheduler/protocol/limits.ts';
import { apiBodiesBytesMax, apiBodyBytesMax } from '../../scheduler/protocol/programLimits.ts';
import { SecretsFile } from '../../scheduler/host/secretsFile.ts';
import { ApiHost } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
  await host.addNodes(1);
}, 30_000);
afterAll(() => host.stop());

const work = { kind: 'simulated', runMs: 1 };
const json = { 'content-type': 'application/json' };

describe('bad requests get a problem answer', () => {
  test.each<[string, [string, string, unknown?, Record<string, string>?], number, string]>([
    ['no token', ['GET', '/tasks', undefined, { authorization: '' }], 401, 'wrong_token'],
    ['wrong token', ['GET', '/tasks', undefined, { authorization: 'Bearer no' }], 401, 'wrong_token'],
    ['other scheme', ['GET', '/tasks', undefined, { authorization: 'Basic eDp5' }], 401, 'wrong_token'],
    ['unknown path', ['GET', '/taks'], 404, 'unknown_path'],
    ['malformed escape', ['GET', '/tasks/%E0%A4%A'], 404, 'unknown_path'],
    ['wrong method', ['DELETE', '/tasks'], 405, 'wrong_method'],
    ['no CORS preflight', ['OPTIONS', '/tasks'], 405, 'wrong_method'],
    ['wrong method on a plain path', ['GET', '/tasks/batch'], 405, 'wrong_method'],
    [
      'form',
      ['POST', '/tasks', 'a=1', { 'content-type': 'application/x-www-form-urlencoded' }],
      415,
      'wrong_type',
    ],
    [
      'charset',
      ['POST', '/tasks', '{}', { 'content-type': 'application/json; charset=latin1' }],
      415,
      'wrong_type',
    ],
    ['compressed', ['POST', '/tasks', '{}', { ...json, 'content-encoding': 'gzip' }], 415, 'wrong_type'],
    ['no JSON', ['POST', '/tasks', '{"work":', json], 400, 'bad_message'],
    ['JSON that is no object', ['POST', '/tasks', '[1]', json], 400, 'bad_message'],
    ['no body', ['POST', '/tasks'], 400, 'bad_message'],
    ['body where none is taken', ['POST', '/tasks/1/retry', '{}', json], 400, 'bad_message'],
    [
      'foreign web page',
      ['GET', '/tasks', undefined, { origin: 'https://evil.example' }],
      403,
      'foreign_origin',
    ],
    ['task id', ['GET', '/tasks/x1'], 400, 'bad_message'],
    ['unknown task', ['GET', '/tasks/999999'], 404, 'unknown_task'],
    ['unknown task, why', ['GET', '/tasks/T-ZZZZ/why'], 404, 'unknown_task'],
    ['unknown task, logs', ['GET', '/tasks/999999/logs?follow=1'], 404, 'unknown_task'],
    ['unknown task, cancel', ['POST', '/tasks/999999/cancel'], 404, 'unknown_task'],
    ['unknown task, retry', ['POST', '/tasks/999999/retry'], 404, 'unknown_task'],
    ['unknown node', ['GET', '/nodes/none'], 404, 'unknown_node'],
    ['unknown node, cordon', ['POST', '/nodes/none/cordon'], 404, 'unknown_node'],
    ['unknown queue', ['POST', '/tasks', { work, queue: 'none' }], 422, 'unknown_queue'],
    ['unknown parameter', ['GET', '/tasks?sate=ready'], 400, 'bad_message'],
    ['parameter twice', ['GET', '/tasks?limit=1&limit=2'], 400, 'bad_message'],
    ['no number', ['GET', '/tasks?limit=-1'], 400, 'bad_message'],
    ['page too large', ['GET', '/tasks?limit=100000'], 400, 'bad_message'],
    ['unknown state', ['GET', '/tasks?state=asleep'], 400, 'bad_message'],
    ['label without value', ['GET', '/tasks?label=line'], 400, 'bad_message'],
    ['label twice', ['GET', '/tasks?label=line:a&label=line:b'], 400, 'bad_message'],
    ['too many labels', ['GET', `/tasks?${'abcde'.replace(/./g, '&label=$&:1')}`], 400, 'bad_message'],
    ['tenant', ['GET', '/tasks?tenant=a%20b'], 400, 'bad_message'],
    ['time', ['GET', '/tasks?untilMs=-1'], 400, 'bad_message'],
    ['count by nothing', ['GET', '/tasks/count'], 400, 'bad_message'],
    ['count by what nothing is counted by', ['GET', '/tasks/count?by=colour'], 400, 'bad_message'],
    ['retention that lacks a bound', ['PUT', '/storage/retention', { tasksMax: 5_000 }], 400, 'bad_message'],
    [
      'retention below its least',
      ['PUT', '/storage/retention', { tasksMax: 1, logBytesMax: 0 }],
      400,
      'bad_message',
    ],
    ['plan with a relative folder', ['PUT', '/storage/backup-plan', { folder: 'b' }], 400, 'bad_message'],
    [
      'plan with a folder that is missing',
      ['PUT', '/storage/backup-plan', { folder: '/none' }],
      400,
      'bad_message',
    ],
    ['backup without folder', ['POST', '/storage/backups'], 400, 'bad_message'],
    [
      'backup into what cannot be written',
      ['POST', '/storage/backups', { folder: '/proc' }],
      400,
      'bad_message',
    ],
    ['export format', ['POST', '/storage/exports', { format: 'xls' }], 400, 'bad_message'],
    [
      'export of live tasks',
      ['POST', '/storage/exports', { format: 'csv', filter: { states: ['ready'] } }],
      400,
      'bad_message',
    ],
    ['job id', ['POST', '/storage/jobs/x/cancel'], 400, 'bad_message'],
    ['unknown job', ['POST', '/storage/jobs/99/cancel'], 409, 'wrong_state'],
    ['wrong method on storage', ['POST', '/storage'], 405, 'wrong_method'],
    ['log format', ['GET', '/tasks/1/logs?format=xml'], 400, 'bad_message'],
  ])('%s', async (_name, asked, status, code) => {
    const { body: problem, ...answer } = await host.ask(...asked);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    expect({ answered: answer.status, ...problem }).toEqual({
      answered: status,
      type: `urn:millrace:problem:${code}`,
      title: expect.any(String) as string,
      status,
      detail: expect.any(String) as string,
      code,
      ...(problem['field'] !== undefined && { field: expect.any(String) as string }),
    });
  });

  test('and the headers that belong to it', async () => {
    expect((await host.ask('DELETE', '/tasks')).headers.get('allow')).toBe('POST, GET, HEAD');
    const unknown = await host.ask('GET', '/tasks', undefined, { authorization: '' });
    expect(unknown.headers.get('www-authenticate')).toBe('Bearer realm="millrace"');
  });

  test.each([
    ['work.argv', { work: { kind: 'command', argv: [] } }],
    ['priority', { work, priority: 10 }],
    ['colour', { work, colour: 'red' }],
    ['queue', { work, queue: 'none' }],
  ])('the field %s is named as the caller wrote it', async (field, spec) => {
    expect((await host.ask('POST', '/tasks', spec)).body['field']).toBe(field);
  });

  test('the console token is not taken here', async () => {
    const authorization = `Bearer ${host.secrets.consoleToken}`;
    expect((await host.ask('GET', '/tasks', undefined, { authorization })).status).toBe(401);
    expect(host.secrets.apiToken).not.toBe(host.secrets.consoleToken);
  });

  test('a body above the limit is refused by its announced length, and unread where it hides its length', async () => {
    const large = ' '.repeat(apiBodyBytesMax + 1);
    expect(await host.ask('POST', '/tasks/batch', large)).toMatchObject({ status: 413 });
    expect(await sendChunked('/api/v1/tasks/batch', apiBodyBytesMax + 1)).toBe(413);
    const task = { work: { kind: 'command', argv: ['true', 'x'.repeat(16_000)] }, labels: {} };
    const envs = Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`V${at}`, 'x'.repeat(16_000)]));
    const tooLarge = await host.ask('POST', '/tasks', { ...task, work: { ...task.work, env: envs } });
    expect(tooLarge).toMatchObject({ status: 413, body: { code: 'too_large' } });
  });

  test('nothing of a body is read for somebody without the token', async () => {
    expect(await sendChunked('/api/v1/tasks', 64, 'Bearer wrong')).toBe(401);
  });

  test('a path that climbs is not resolved', async () => {
    const head = `Host: a\r\nAuthorization: Bearer ${host.secrets.apiToken}\r\nConnection: close`;
    const [status, text] = await fetchRaw(`GET /api/v1/../../health HTTP/1.1\r\n${head}\r\n\r\n`);
    expect(status).toBe(404);
    expect(text).toContain('urn:millrace:problem:unknown_path');
  });

  test('a head above the limit is refused by the server', async () => {
    expect(
      (await fetchRaw(`GET /api/v1/tasks HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(17_000)}\r\n\r\n`))[0],
    ).toBe(431);
  });
});

describe('tasks', () => {
  test('one is submitted, told where it is, and runs', async () => {
    const { status, headers, body } = await host.ask('POST', '/tasks', { name: 'one', work });
    expect(status).toBe(201);
    const taskId = body['taskId'] as number;
    expect(headers.get('location')).toBe(`/api/v1/tasks/${taskId}`);
    await host.waitForState(taskId, 'succeeded');
    const detail = await host.ask('GET', `/tasks/T-${taskId.toString(36)}`);
    expect(detail.body['record']).toMatchObject({
      taskId,
      submitter: 'owner',
      spec: { name: 'one' },
    });
    expect(await host.ask('GET', `/tasks/${taskId}/why`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    });
  });

  test('the same Idempotency-Key is the same task; another task under it is a conflict', async () => {
    const key = { 'idempotency-key': '"order 7"' };
    const first = await host.ask('POST', '/tasks', { work }, key);
    const again = await host.ask('POST', '/tasks', { work }, key);
    expect(again.body['taskId']).toBe(first.body['taskId']);
    const longer = { work: { kind: 'simulated', runMs: 100_000 } };
    await host.ask('POST', '/tasks', longer, { 'idempotency-key': 'order 8' });
    const other = await host.ask('POST', '/tasks', { work }, { 'idempotency-key': 'order 8' });
    expect(other).toMatchObject({ status: 409, body: { code: 'key_conflict', field: 'key' } });
    expect(await host.ask('POST', '/tasks', { work, key: 'b' }, { 'idempotency-key': 'a' })).toMatchObject({
      status: 400,
    });
  });

  test('many are answered one by one, in order', async () => {
    const specs = [{ work }, { work: { kind: 'none' } }, { work }];
    const { status, body } = await host.ask('POST', '/tasks/batch', { specs });
    expect(status).toBe(200);
    expect(body['answers']).toMatchObject([
      { ok: true },
      { ok: false, refusal: { field: 'specs.1.work.kind' } },
      { ok: true },
    ]);
    const tooMany = await host.ask('POST', '/tasks/batch', {
      specs: Array(submitBatchMax + 1).fill({ work }),
    });
    expect(tooMany).toMatchObject({ status: 400, body: { field: 'specs' } });
  });

  test('are listed in pages, each once, by filters', async () => {
    const ids = [];
    for (let at = 0; at < 5; at += 1) ids.push(await host.submit(1, { name: 'paged' }));
    const seen: number[] = [];
    for (let before = ''; ;) {
      const { body } = await host.ask('GET', `/tasks?text=paged&limit=2${before}`);
      seen.push(...(body['rows'] as { taskId: number }[]).map((row) => row.taskId));
      if (body['nextBefore'] === undefined) break;
      before = `&before=${body['nextBefore'] as number}`;
    }
    expect(seen).toEqual(ids.toReversed());
    const none = await host.ask('GET', '/tasks?text=paged&state=dead_letter&state=cancelled');
    expect(none.body).toMatchObject({ rows: [], total: 0 });
  });

  test('are found by tenant, labels and time, and counted by what they have', async () => {
    // Of the host's clock: it does not follow the wall clock step by step.
    const before = Math.floor((await host.ask('GET', '/tasks?limit=1')).body['asOfMs'] as number);
    const labels = { line: 'L:8', shift: 'night' };
    const ids = [await host.submit(1, { tenant: 'acme', labels }), await host.submit(1, { tenant: 'acme' })];
    for (const taskId of ids) await host.waitForState(taskId, 'succeeded');
    const found = async (query: string): Promise<unknown> =>
      ((await host.ask('GET', `/tasks?${query}`)).body['rows'] as { taskId: number }[]).map(
        (row) => row.taskId,
      );
    expect(await found('tenant=acme')).toEqual(ids.toReversed());
    expect(await found('label=line:L:8&label=shift:night')).toEqual([ids[0]]);
    expect(await found('label=line:L:8&label=shift:day')).toEqual([]);
    expect(await found(`tenant=acme&sinceMs=${before}`)).toEqual(ids.toReversed());
    expect(await found(`tenant=acme&untilMs=${before}`)).toEqual([]);
    expect((await host.ask('GET', '/tasks/count?by=tenant&tenant=acme')).body).toMatchObject({
      groups: [{ key: 'acme', tasks: 2 }],
      total: 2,
      beyond: 0,
    });
  });

  test('are cancelled, and put back into their queue', async () => {
    const taskId = await host.submit(600_000);
    await host.waitForState(taskId, 'running');
    expect(await host.ask('POST', `/tasks/${taskId}/retry`)).toMatchObject({
      status: 409,
      body: { code: 'wrong_state' },
    });
    expect(await host.ask('POST', `/tasks/${taskId}/cancel`, { reason: 'test' })).toMatchObject({
      status: 200,
      body: { taskId },
    });
    await host.waitForState(taskId, 'cancelled');
    expect((await host.ask('POST', `/tasks/${taskId}/retry`)).body).toEqual({ taskId });
    await host.waitForState(taskId, 'running');
    const answers = (await host.ask('POST', '/tasks/cancel', { taskIds: [taskId, 999_999] })).body['answers'];
    expect(answers).toMatchObject([
      { ok: true },
      { ok: false, taskId: 999_999, refusal: { code: 'unknown_task' } },
    ]);
  });

  test('tell why they wait', async () => {
    const taskId = await host.submit(1, { ask: { cpu: 1_000_000 } });
    expect((await host.ask('GET', `/tasks/${taskId}/why`)).body).toMatchObject({
      dominant: 'INSUFFICIENT_CPU',
      verdict: 'never',
    });
    await host.ask('POST', `/tasks/${taskId}/cancel`);
  });

  test('states of many come in the order asked, unknown ones said', async () => {
    const taskId = await host.submit(1);
    await host.waitForState(taskId, 'succeeded');
    const { body } = await host.ask('POST', '/tasks/states', { taskIds: [999_999, taskId] });
    expect(body['standings']).toEqual([
      { taskId: 999_999, state: 'unknown' },
      { taskId, state: 'succeeded', exitCode: 0 },
    ]);
  });

  test('a followed log ends with the task, and tells its attempts', async () => {
    const taskId = await host.submit(400);
    const { headers, text } = await host.ask('GET', `/tasks/${taskId}/logs?follow=1`);
    expect(headers.get('content-type')).toBe('text/event-stream');
    expect(text).toMatch(/event: attempt\ndata: {"attempt":1,"token":\d+,"nodeId":"V\/1"}\n\n/);
    expect(text).toMatch(/event: end\ndata: {"state":"succeeded","exitCode":0}\n\n$/);
    expect((await host.ask('GET', `/tasks/${taskId}/logs?format=text`)).text).toBe('');
    expect((await host.ask('GET', `/tasks/${taskId}/logs`)).body).toEqual({ pieces: [], isComplete: true });
    expect(await host.ask('GET', `/tasks/${taskId}/logs?attempt=7`)).toMatchObject({ status: 409 });
  });
});

describe('the plant', () => {
  test('a node whose name holds a slash is found, cordoned and let work again', async () => {
    expect((await host.ask('GET', '/nodes?text=v/1')).body).toMatchObject({ total: 1 });
    expect((await host.ask('POST', '/nodes/V%2F1/cordon')).body).toEqual({ isCordoned: true });
    expect((await host.ask('GET', '/nodes/V%2F1')).body).toMatchObject({ node: { isCordoned: true } });
    expect((await host.ask('POST', '/nodes/V%2F1/uncordon')).body).toEqual({ isCordoned: false });
  });

  test('a queue is made, and takes tasks', async () => {
    expect((await host.ask('PUT', '/queues/press-3', { weight: 4 })).body).toEqual({ queue: 'press-3' });
    expect(await host.ask('PUT', '/queues/press-3', { weight: 0 })).toMatchObject({
      status: 400,
      body: { field: 'weight' },
    });
    expect((await host.ask('GET', '/queues')).body['queues']).toContainEqual(
      expect.objectContaining({ queue: 'press-3', weight: 4 }),
    );
    expect(await host.submit(1, { queue: 'press-3' })).toBeGreaterThan(0);
  });

  test('health counts nodes; HEAD has no body', async () => {
    expect((await host.ask('GET', '/health')).body).toMatchObject({ epoch: 1, nodes: { online: 1 } });
    expect(await host.ask('HEAD', '/health')).toMatchObject({ status: 200, text: '' });
  });
});

test('more bodies at a time than memory is set aside for are told to come back; the rest goes on', async () => {
  const largest = apiBodiesBytesMax / apiBodyBytesMax;
  const unfinished = await Promise.all(
    Array.from({ length: largest }, () => openBody('/api/v1/tasks/states')),
  );
  const one = () => host.ask('POST', '/tasks/states', { taskIds: [1] });
  const busy = await one();
  expect(busy.status).toBe(429);
  expect(busy.headers.get('retry-after')).toBe('1');
  expect(busy.body).toMatchObject({ code: 'too_many', retryAfterMs: 1_000 });
  const reads = await Promise.all(Array.from({ length: 100 }, () => host.ask('GET', '/queues')));
  expect(reads.every(({ status }) => status === 200)).toBe(true);
  expect(await Promise.all(unfinished.map((body) => body.finish()))).toEqual(unfinished.map(() => 200));
  expect((await one()).status).toBe(200);
});

test('a task that has just ended is never unknown, though history hears of it only once that is durable', async () => {
  const seen = new Set<unknown>();
  for (let at = 0; at < 60; at += 1) {
    const taskId = await host.submit(0);
    for (let state: unknown = ''; state !== 'succeeded'; seen.add(state)) state = await host.stateOf(taskId);
  }
  expect([...seen].filter((state) => state === 'unknown')).toEqual([]);
});

test('secrets from before there was an API token get one, and keep the others', () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-secrets-'));
  const file = join(folder, 'secrets.json');
  const old = { consoleToken: 'windows' };
  writeFileSync(file, JSON.stringify(old), { mode: 0o600 });
  const first = SecretsFile.open(folder);
  const again = SecretsFile.open(folder);
  if (!first.ok || !again.ok) throw new Error('not opened');
  expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...old, apiToken: first.value.apiToken });
  expect(again.value.apiToken).toBe(first.value.apiToken);
  expect(first.value.apiTokenMatches('windows')).toBe(false);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  rmSync(folder, { recursive: true });
});

test('files that tell address and tokens are for the owner only', () => {
  for (const name of ['hub.json', 'secrets.json'])
    expect(statSync(join(host.folder, name)).mode & 0o777).toBe(0o600);
});

/** Status of an answer to a body without announced length. */
function sendChunked(
  path: string,
  bytes: number,
  authorization = `Bearer ${host.secrets.apiToken}`,
): Promise<number> {
  const { hostname, port } = new URL(host.address);
  return new Promise((resolve, reject) => {
    const headers = { ...json, authorization };
    const sent = request({ hostname, port, path, method: 'POST', headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
      sent.destroy();
    });
    sent.on('error', reject);
    for (let left = bytes; left > 0; left -= 65_536) sent.write(' '.repeat(Math.min(left, 65_536)));
    // Never ended where nobody should read it.
    if (bytes > 64) sent.end();
  });
}

/** Status and whole text of what comes back for these bytes. */
function fetchRaw(bytes: string): Promise<[number, string]> {
  const { hostname, port } = new URL(host.address);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', reject);
    socket.on('close', () => {
      resolve([Number(/^HTTP\/1.1 (\d+)/.exec(text)?.[1]), text]);
    });
  });
}

/** A request that the host has begun to read, whose body has no announced length and goes on until it is finished. */
async function openBody(path: string): Promise<{ readonly finish: () => Promise<number> }> {
  const { hostname, port } = new URL(host.address);
  const headers = { ...json, authorization: `Bearer ${host.secrets.apiToken}`, expect: '100-continue' };
  const sent = request({ hostname, port, path, method: 'POST', headers, agent: false });
  const answered = new Promise<number>((resolve, reject) => {
    sent.once('error', reject);
    sent.once('response', (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
  });
  await new Promise((resolve) => {
    sent.once('continue', resolve);
    sent.flushHeaders();
  });
  sent.write('{"taskIds":');
  return {
    finish: () => {
      sent.end('[1]}');
      return answered;
    },
  };
}

// What no client library would send to the door for programs: each is refused as a problem, by whoever reads it first.
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ApiHost } from './support/apiHost.ts';

let host: ApiHost;
beforeAll(async () => {
  host = await ApiHost.start();
}, 30_000);
afterAll(() => host.stop());

/** All that comes back. The host ends the connection, or is asked to. */
function answersTo(bytes: string | Buffer): Promise<string> {
  const { hostname, port } = new URL(host.address);
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      resolve(text);
    });
  });
}

const head = (line: string, ...more: string[]): string =>
  [line, 'Host: a', `Authorization: Bearer ${host.secrets.apiToken}`, 'Connection: close', ...more].join(
    '\r\n',
  );
const json = 'Content-Type: application/json';
const post = (body: string, ...more: string[]): string =>
  `${head('POST /api/v1/tasks HTTP/1.1', json, `Content-Length: ${Buffer.byteLength(body)}`, ...more)}\r\n\r\n${body}`;
const get = (path: string, method = 'GET'): string => `${head(`${method} ${path} HTTP/1.1`)}\r\n\r\n`;

describe('raw requests', () => {
  test.each<[string, () => string | Buffer, number, string]>([
    ['no HTTP at all', () => 'hello\r\n\r\n', 400, 'unreadable'],
    ['no host', () => 'GET /api/v1/tasks HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'unreadable'],
    [
      'a head that is too large',
      () => `${head('GET / HTTP/1.1', `X: ${'x'.repeat(17_000)}`)}\r\n\r\n`,
      431,
      'head_too_large',
    ],
    [
      'a length and chunks',
      () =>
        `${head('POST /api/v1/tasks HTTP/1.1', json, 'Content-Length: 5', 'Transfer-Encoding: chunked')}\r\n\r\n0\r\n\r\n`,
      400,
      'unreadable',
    ],
    [
      'two lengths',
      () =>
        `${head('POST /api/v1/tasks HTTP/1.1', json, 'Content-Length: 5', 'Content-Length: 6')}\r\n\r\n{"a":`,
      400,
      'unreadable',
    ],
    [
      'chunks that are not last',
      () =>
        `${head('POST /api/v1/tasks HTTP/1.1', json, 'Transfer-Encoding: chunked, identity')}\r\n\r\n0\r\n\r\n`,
      400,
      'unreadable',
    ],
    [
      'a chunk without a length',
      () => `${head('POST /api/v1/tasks HTTP/1.1', json, 'Transfer-Encoding: chunked')}\r\n\r\nxyz\r\n\r\n`,
      400,
      '',
    ],
    [
      'a folded header',
      () => `${head('GET /api/v1/tasks HTTP/1.1', 'X: a', ' b: c')}\u0000\r\n\r\n`,
      400,
      'unreadable',
    ],
    ['an expectation nobody meets', () => post('{}', 'Expect: 200-ok'), 417, 'unmet_expectation'],
    ['OPTIONS', () => get('/api/v1/tasks', 'OPTIONS'), 405, 'wrong_method'],
    ['TRACE', () => get('/api/v1/tasks', 'TRACE'), 405, 'wrong_method'],
    ['a slash at the end', () => get('/api/v1/queues/'), 404, 'unknown_path'],
    ['slashes twice', () => get('/api/v1//queues'), 404, 'unknown_path'],
    ['an encoded slash where none belongs', () => get('/api/v1%2fqueues'), 404, ''],
    ['an encoded climb', () => get('/api/v1/%2e%2e/%2e%2e/secrets.json'), 404, 'unknown_path'],
    ['an encoded nought', () => get('/api/v1/nodes/%00'), 400, 'bad_message'],
    ['10,000 levels', () => post(`{"work":${'['.repeat(10_000)}${']'.repeat(10_000)}}`), 400, 'bad_message'],
    ['levels that never close', () => post('['.repeat(100_000)), 400, 'bad_message'],
    ['a number beyond all', () => post('{"work":{"kind":"simulated","runMs":1e999}}'), 400, 'bad_message'],
    [
      'a number with 10,000 digits',
      () => post(`{"work":{"kind":"simulated","runMs":${'9'.repeat(10_000)}}}`),
      400,
      'bad_message',
    ],
    [
      'a name that reaches for the prototype',
      () => post('{"__proto__":{"work":{}},"work":{"kind":"simulated","runMs":1}}'),
      400,
      'bad_message',
    ],
    [
      'a field twice, the last of them wrong',
      () => post('{"priority":1,"priority":99,"work":{"kind":"simulated","runMs":1}}'),
      400,
      'bad_message',
    ],
    [
      'no UTF-8',
      () => Buffer.concat([Buffer.from(post('xx').slice(0, -2)), Buffer.from([0xff, 0xfe])]),
      400,
      'bad_message',
    ],
  ])('%s', async (_what, bytes, status, code) => {
    const answer = await answersTo(bytes());
    expect(Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])).toBe(status);
    if (code === '') return;
    expect(answer.toLowerCase()).toContain('content-type: application/problem+json');
    expect(answer).toContain(`"type":"urn:millrace:problem:${code}"`);
  });

  test('a whole request before broken bytes is answered, and what was smuggled is not', async () => {
    const first = 'GET /health HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await answersTo(
      `${first}GET /api/v1/tasks HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n`,
    );
    expect(answer.match(/HTTP\/1\.1 \d+/g)?.length).toBeLessThanOrEqual(2);
    expect(answer).not.toContain('"rows"');
  });

  test('requests one behind the other are answered in order', async () => {
    const answer = await answersTo(
      `${get('/api/v1/health').replace('Connection: close', 'X: 1')}${get('/api/v1/none')}`,
    );
    expect([...answer.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['200', '404']);
  });

  test('HEAD is answered as GET without its body, also where it is refused', async () => {
    expect(await answersTo(get('/api/v1/queues', 'HEAD'))).toMatch(/^HTTP\/1\.1 200[\s\S]*\r\n\r\n$/);
    expect(await answersTo(get('/api/v1/none', 'HEAD'))).toMatch(/^HTTP\/1\.1 404[\s\S]*\r\n\r\n$/);
  });

  test('what is expected and met goes on', async () => {
    const answer = await answersTo(post('{}', 'Expect: 100-continue'));
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 400/);
  });
});

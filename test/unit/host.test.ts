// The host around the parts: its settings, its secrets, its pages, and what it says when it cannot start.
import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isLoopback, readHostConfig } from '../../scheduler/host/config.ts';
import { metricsReader } from '../../scheduler/host/metricsReader.ts';
import type { MetricsMode } from '../../scheduler/host/observeConfig.ts';
import { servePages } from '../../scheduler/host/pages.ts';
import type { Readiness } from '../../scheduler/observe/readiness.ts';
import { SecretsFile } from '../../scheduler/host/secretsFile.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-host-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('settings', () => {
  test('default to this machine only', () => {
    expect(readHostConfig([])).toMatchObject({ ok: true, value: { listen: '127.0.0.1', port: 7443 } });
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
    expect(['0.0.0.0', '10.0.0.1', '128.0.0.1', '127.example'].some(isLoopback)).toBe(false);
  });

  test.each([
    [['--port', '70000'], '--port 70000: it is a whole number from 0 to 65535'],
    [['--port', 'x'], '--port x: it is a whole number from 0 to 65535'],
    [['--prot', '1'], "Unknown option '--prot'"],
    [['--metrics', 'all'], '--metrics all: it is one of loopback, token, open'],
    [['--log-level', 'loud'], '--log-level loud: it is one of debug, info, warn, error'],
    [['--otlp', 'collector'], '--otlp collector: it is an address like'],
    [['--otlp', 'http://c', '--otlp-ratio', '2'], '--otlp-ratio 2: it is a number from 0 to 1'],
    [['--edges', '17'], '--edges 17: it is auto, or a whole number from 0 to 16'],
    [['--nodes-expected', '1e9'], '--nodes-expected 1e9: it is a whole number from 0 to 50000'],
  ])('%j is refused by name', (args, text) => {
    const config = readHostConfig(args);
    expect(config.ok ? '' : config.reason).toContain(text);
  });
});

describe('secrets', () => {
  test('are made once, kept for the owner only, and match only themselves', () => {
    const place = mkdtempSync(join(folder, 'secrets-'));
    const first = SecretsFile.open(place);
    const again = SecretsFile.open(place);
    if (!first.ok || !again.ok) throw new Error('not opened');
    expect(again.value.consoleToken).toBe(first.value.consoleToken);
    expect(statSync(join(place, 'secrets.json')).mode & 0o777).toBe(0o600);
    expect(first.value.consoleTokenMatches(first.value.consoleToken)).toBe(true);
    expect(first.value.consoleTokenMatches(first.value.apiToken)).toBe(false);
    expect(first.value.consoleTokenMatches('')).toBe(false);
  });

  test('a damaged file is refused with its path and left as it is', () => {
    const place = mkdtempSync(join(folder, 'secrets-'));
    writeFileSync(join(place, 'secrets.json'), '{"consoleToken": 7}');
    const file = SecretsFile.open(place);
    expect(file.ok ? '' : file.reason.message).toContain(join(place, 'secrets.json'));
  });
});

describe('pages', () => {
  const root = join(folder, 'pages');
  let port = 0;
  const ready: { now: Readiness; mode: MetricsMode } = {
    now: { isReady: true, reasons: [] },
    mode: 'loopback',
  };
  const server = createServer((...both) => {
    servePages(root, {
      health: () => ({ state: 'running', epoch: 3, version: '1' }),
      metrics: () => 'millrace_agents 2\n',
      readiness: () => ready.now,
      mayRead: metricsReader(ready.mode, (token) => token === 'the-api-token'),
    })(...both);
  });
  beforeAll(async () => {
    mkdirSync(root);
    writeFileSync(join(root, 'index.html'), '<p>console</p>');
    writeFileSync(join(root, 'notes.txt'), 'not for anybody');
    writeFileSync(join(folder, 'outside.js'), 'secret');
    symlinkSync(join(folder, 'outside.js'), join(root, 'link.js'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    port = (server.address() as AddressInfo).port;
  });
  afterAll(() => server.close());

  /** Without the normalising that fetch does. */
  const get = (path: string, method = 'GET', headers: Record<string, string> = {}) =>
    new Promise<{ status: number; text: string; policy: string }>((resolve, reject) => {
      request({ port, path, method, headers, host: '127.0.0.1' }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('end', () => {
          const policy = String(response.headers['content-security-policy'] ?? '');
          resolve({ status: response.statusCode ?? 0, text, policy });
        });
      })
        .on('error', reject)
        .end();
    });

  test('come with the strict policy', async () => {
    const page = await get('/');
    expect(page).toMatchObject({ status: 200, text: '<p>console</p>' });
    expect(page.policy).toContain("default-src 'none'");
    expect(page.policy).toContain(`connect-src 'self' ws://127.0.0.1:${String(port)}`);
  });

  test.each([
    '/../outside.js',
    '/..%2foutside.js',
    '/link.js',
    '/notes.txt',
    '/none.js',
    '/%',
    '/%00.js',
    '//etc/passwd',
  ])('%s is not there', async (path) => {
    expect((await get(path)).status).toBe(404);
  });

  test('other methods are refused; health and metrics answer', async () => {
    expect((await get('/', 'POST')).status).toBe(405);
    expect(JSON.parse((await get('/health')).text)).toEqual({ state: 'running', epoch: 3, version: '1' });
    expect((await get('/metrics')).text).toContain('millrace_agents 2');
  });

  test('readiness answers 503 with its reasons', async () => {
    ready.now = { isReady: false, reasons: [{ code: 'disk_low', message: 'make room' }] };
    const answer = await get('/ready');
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual(ready.now);
    ready.now = { isReady: true, reasons: [] };
    expect((await get('/ready')).status).toBe(200);
  });

  test.each([
    ['loopback', {}, 200],
    ['loopback', { origin: 'http://evil.example' }, 401],
    ['loopback', { host: 'rebound.example' }, 401],
    ['token', {}, 401],
    ['token', { authorization: 'Bearer the-api-token' }, 200],
    ['token', { authorization: 'Bearer another' }, 401],
    ['open', { origin: 'http://evil.example' }, 200],
  ] as const)('metrics, mode %s, headers %j: %i', async (mode, headers, status) => {
    ready.mode = mode;
    expect((await get('/metrics', 'GET', headers)).status).toBe(status);
  });
});

/** The real program with a bad start: its exit code and what it says. */
const run = (args: readonly string[]) =>
  new Promise<{ code: number | null; said: string }>((resolve) => {
    const child = spawn(process.execPath, ['scheduler/host/entry.ts', ...args]);
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.on('exit', (code) => {
      resolve({ code, said });
    });
  });

describe('a host that cannot start says why, and ends with code 2', () => {
  test('unknown argument', async () => {
    expect(await run(['--dta', 'x'])).toMatchObject({
      code: 2,
      said: expect.stringContaining("'--dta'") as string,
    });
  });

  test('data folder that is a file', async () => {
    const file = join(folder, 'a-file');
    writeFileSync(file, '');
    const { code, said } = await run(['--data', file, '--port', '0']);
    expect(code).toBe(2);
    expect(said).toContain(`data folder ${file} cannot be used`);
  });

  test('journal that is another program’s database', async () => {
    const place = mkdtempSync(join(folder, 'foreign-'));
    writeFileSync(join(place, 'journal.db'), 'this is not SQLite at all, but somebody’s notes '.repeat(50));
    const { code, said } = await run(['--data', place, '--port', '0']);
    expect(code).toBe(2);
    expect(said).toContain('journal.db');
    chmodSync(place, 0o700);
  });

  test('port in use', async () => {
    const taken = createServer();
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    const { port } = taken.address() as AddressInfo;
    const { code, said } = await run(['--data', mkdtempSync(join(folder, 'port-')), '--port', String(port)]);
    taken.close();
    expect(code).toBe(2);
    expect(said).toContain(String(port));
  });
});

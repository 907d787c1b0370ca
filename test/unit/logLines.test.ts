// Lines of the log: secrets through every way in, forged lines, floods, levels while running, files within bounds.
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openAgentLog } from '../../agent/logLine.ts';
import { openShellLog } from '../../electron/shellLog.ts';
import { logOf, openLog } from '../../scheduler/observe/log.ts';
import { sameMessagesMax } from '../../scheduler/observe/logRepeats.ts';
import { RotatingFile } from '../../scheduler/observe/rotatingFile.ts';

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

function open(path?: string) {
  const lines: string[] = [];
  const clock = { nowMs: 0 };
  const log = openLog({
    level: 'info',
    component: 'host',
    clock: () => clock.nowMs,
    write: (line) => lines.push(line),
    ...(path !== undefined && { path }),
  });
  onTestFinished(log.close);
  return {
    ...log,
    lines,
    clock,
    entries: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

/** No shape that gives it away: only whoever knows it can hide it. */
const known = 'correct horse "battery"';
const shaped = 'Zk3-'.repeat(11);
const ways: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
  ['message', `x ${known} ${shaped}`, {}],
  ['field', 'm', { reason: `x ${known}`, other: shaped }],
  ['nested', 'm', { a: { b: [known, { c: shaped }] } }],
  ['name of a field', 'm', { [known]: 1, [shaped]: 2 }],
  ['error', 'm', { error: new Error(`${known} ${shaped}`) }],
  ['component', 'm', { component: `${known} ${shaped}` }],
  ['named', 'm', { password: 'open sesame', enrolCode: 'open sesame', Authorization: 'open sesame' }],
  ['spoken', 'Bearer open-sesame', { url: 'http://h/#token=open-sesame', said: 'password: open-sesame' }],
  ['at the end of a long text', `${'- '.repeat(990)}${shaped}${shaped}`, {}],
];

test.each(ways)('a secret in %s does not get into the line or the file', (_way, message, fields) => {
  const path = join(tempFolder(), 'host.log');
  const { log, hide, lines } = open(path);
  hide(known);
  log('error', message, fields);
  logOf(log, 'hub')('error', message, fields);
  for (const text of [lines.join(''), readFileSync(path, 'utf8')]) {
    expect(text).toContain('[redacted]');
    expect(text).not.toMatch(/battery|Zk3-|open.sesame/);
    for (const line of text.trimEnd().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  }
});

test('a secret does not get into the logs of agents and of the shell either', () => {
  const folder = tempFolder();
  const said: string[] = [];
  const stderr = vi.spyOn(process.stderr, 'write').mockImplementation((text) => said.push(String(text)) > 0);
  const agent = openAgentLog(folder);
  agent.hide(known);
  for (const [, message] of ways)
    agent.log('warn', message, { reason: `${known} ${shaped}`, token: 'open sesame' });
  agent.log('warn', 'line\nbreak \u009b2J', { reason: 'a\nb' });
  stderr.mockRestore();
  const shell = openShellLog(folder, () => undefined);
  shell.write(`half of a line ${shaped} and`);
  shell.write(
    ` password=open-sesame\n{"at":"x","level":"error","message":"${shaped}","token":"open sesame","n":1}\n`,
  );
  const shellText = readFileSync(join(folder, 'shell.log'), 'utf8');
  for (const text of [said.join(''), readFileSync(join(folder, 'agent.log'), 'utf8'), shellText]) {
    expect(text).toContain('[redacted]');
    expect(text).not.toMatch(/battery|Zk3-|open.sesame|\u009b/);
  }
  expect(said).toHaveLength(ways.length + 1);
  expect(said.at(-1)).toContain('line\\u000abreak \\u009b2J');
  expect(said.at(-1)?.trimEnd()).not.toContain('\n');
  expect(
    shellText
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown),
  ).toMatchObject([
    { level: 'info', component: 'shell' },
    { level: 'error', component: 'shell', n: 1, message: '[redacted]' },
  ]);
});

test('a text cannot forge a line, steer a terminal or take the place of what each line has', () => {
  const { log, lines, entries } = open();
  log('info', 'a\n{"at":"x"}\r\u001b[2J\u009b2J\u2028\u202e', { level: 'error', message: 'no', at: 'never' });
  expect(lines).toHaveLength(1);
  expect(lines[0]?.trimEnd()).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
  expect(entries()[0]).toMatchObject({
    level: 'info',
    component: 'host',
    field_level: 'error',
    field_at: 'never',
  });
});

test('more of the same message within a minute is counted and told once; other messages and audits go on', () => {
  const { log, clock, lines, entries } = open();
  for (let at = 0; at < sameMessagesMax + 40; at += 1) {
    log('warn', 'wrong token', { at });
    log('info', 'audit', { at });
  }
  log('warn', 'another');
  expect(lines).toHaveLength(sameMessagesMax + (sameMessagesMax + 40) + 1);
  clock.nowMs = 60_000;
  log('warn', 'wrong token');
  expect(entries().slice(-2)).toMatchObject([
    { level: 'warn', message: 'wrong token', repeated: 40 },
    { message: 'wrong token' },
  ]);
});

test('what was counted is told when the log is closed', () => {
  const { log, close, entries } = open();
  for (let at = 0; at < sameMessagesMax + 2; at += 1) log('error', 'same');
  close();
  expect(entries().at(-1)).toMatchObject({ message: 'same', repeated: 2 });
});

test('the level changes while the log is written', () => {
  const { log, setLevel, level, lines } = open();
  log('debug', 'not yet');
  setLevel('debug');
  log('debug', 'now');
  setLevel('error');
  log('warn', 'no more');
  expect(level()).toBe('error');
  expect(lines).toHaveLength(1);
});

test('a file that cannot be written is told once, and is used again when it can', () => {
  const folder = join(tempFolder(), 'logs');
  const { log, lines, clock, isFailing } = open(join(folder, 'host.log'));
  log('info', 'a');
  // The next day's file cannot be made: its folder is gone.
  renameSync(folder, `${folder}-away`);
  clock.nowMs = Date.now() + 2 * 86_400_000;
  log('info', 'b');
  log('info', 'c');
  expect(isFailing()).toBe(true);
  expect(lines.filter((line) => line.includes('log file not written'))).toHaveLength(1);
  renameSync(`${folder}-away`, folder);
  log('info', 'd');
  expect(isFailing()).toBe(false);
  expect(readdirSync(folder).some((name) => readFileSync(join(folder, name), 'utf8').includes('"d"'))).toBe(
    true,
  );
});

test('a day has its own file, and all files together stay within their bounds', () => {
  const path = join(tempFolder(), 'x.log');
  const day = 86_400_000;
  const file = new RotatingFile(path, { fileBytesMax: 100, olderFilesMax: 5, totalBytesMax: 300 });
  for (let at = 1; at <= 3; at += 1) file.append(`day ${String(at)}\n`, Date.now() + at * day);
  expect(readFileSync(path, 'utf8')).toBe('day 3\n');
  expect(readFileSync(`${path}.1`, 'utf8')).toBe('day 2\n');
  for (let at = 0; at < 50; at += 1) file.append(`${'x'.repeat(79)}\n`, Date.now() + 3 * day);
  file.close();
  const sizes = [path, ...[1, 2, 3, 4, 5, 6].map((at) => `${path}.${String(at)}`)].flatMap((name) =>
    existsSync(name) ? [statSync(name).size] : [],
  );
  expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(300);
  expect(Math.max(...sizes)).toBeLessThanOrEqual(100);
});

test('files of an older version beyond the bound go at the start', () => {
  const path = join(tempFolder(), 'x.log');
  for (const at of [1, 2, 3, 4]) writeFileSync(`${path}.${String(at)}`, 'y'.repeat(90));
  new RotatingFile(path, { fileBytesMax: 100, olderFilesMax: 4, totalBytesMax: 300 }).close();
  expect([1, 2, 3, 4].map((at) => existsSync(`${path}.${String(at)}`))).toEqual([true, true, false, false]);
});

// The agent as a program: exit codes, the data folder, signals, and what a kill -9 leaves behind.
import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { readSettings } from '../../agent/settings.ts';
import { commandDispatch, enrolToken, until } from './support/agentHub.ts';
import { AgentStage, runToEnd } from './support/agentStage.ts';

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
});
afterEach(async () => {
  await stage.close();
});
const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  } catch {
    return false;
  }
};
const faultOf = (...args: string[]): string => {
  const read = readSettings(args);
  return read.ok ? 'none' : read.reason;
};

describe('arguments', () => {
  test('an unknown one is named, with exit code 2', async () => {
    const { exitCode, stderr } = await runToEnd(stage.args('--colour', 'red'));
    expect(exitCode).toBe(2);
    expect(stderr).toContain("'--colour'");
  });

  test.each([
    [['--hub'], '--hub'],
    [[], '--hub: missing'],
    [['--hub', 'nowhere'], '--hub: nowhere is no address'],
    [['--hub', 'http://x:1', '--cpu', 'many'], '--cpu: "many" is no whole number'],
    [['--hub', 'http://x:1', '--gpu', '17'], '--gpu: "17"'],
    [['--hub', 'http://x:1', '--node', '-x y'], '--node'],
    [['--hub', 'http://x:1', '--label', 'novalue'], '--label: "novalue" is not of the form'],
    [['--hub', 'http://x:1', '--custom', 'welder=x'], '--custom welder: "x"'],
    [['--hub', 'http://x:1', 'stray'], "'stray'"],
  ])('%j is refused by name', (args, fault) => {
    expect(faultOf(...args)).toContain(fault);
  });

  test('what is not given has a default', () => {
    const read = readSettings(['--hub', 'http://x:1'], { MILLRACE_ENROL_TOKEN: 'abc' });
    if (!read.ok || read.value === 'help') throw new Error('refused');
    expect(read.value).toMatchObject({ enrolToken: 'abc', stopGraceMs: 10_000, labels: {} });
    expect(hostname()).toContain(read.value.nodeId.slice(0, 3));
    expect(read.value.dataFolder).toMatch(/\.millrace\/agent\/[^/]+$/);
  });

  test('a node name cannot lead its data out of the folder', () => {
    const read = readSettings(['--hub', 'http://x:1', '--node', 'a/../../b']);
    if (!read.ok || read.value === 'help') throw new Error('refused');
    expect(read.value.dataFolder).toMatch(/agent\/a%2F\.\.%2F\.\.%2Fb$/);
  });
});

describe('turned away', () => {
  test('a wrong enrolment token ends the program with exit code 3 and says what to do', async () => {
    const { exitCode, stderr } = await runToEnd(stage.args('--token', 'wrong'));
    expect(exitCode).toBe(3);
    expect(stderr).toContain('refused the enrolment token');
    expect(stderr).not.toContain(enrolToken);
  });

  test('a key the hub does not know ends the program with exit code 3, and a token enrols it anew', async () => {
    writeFileSync(join(stage.dataFolder, 'node-key.json'), '{"nodeId":"PRESS-07","nodeKey":"old"}');
    const { exitCode, stderr } = await runToEnd(stage.args());
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/no longer knows node PRESS-07.*--token/);
    await stage.program('--token', enrolToken);
    const keyFile = join(stage.dataFolder, 'node-key.json');
    // What the secret was good for the pair is from then on.
    await until(() => !readFileSync(keyFile, 'utf8').includes('"nodeKey"'), 'the new key');
  });

  test('without key and token it asks for the token', async () => {
    const { exitCode, stderr } = await runToEnd(stage.args());
    expect(exitCode).toBe(2);
    expect(stderr).toContain('--token: missing');
  });

  test('a second agent on one data folder refuses, and one after a crash does not', async () => {
    const first = await stage.program('--token', enrolToken);
    const second = await runToEnd(stage.args());
    expect(second.exitCode).toBe(4);
    expect(second.stderr).toContain(`pid ${String(first.pid)}`);
    first.kill('SIGKILL');
    await stage.program();
    expect(stage.hub.joins).toHaveLength(2);
  });
});

describe('life and death', () => {
  test('after kill -9, a result that was not acknowledged is sent by the next life', async () => {
    stage.hub.ackResults = false;
    const first = await stage.program('--token', enrolToken);
    const dispatch = commandDispatch({ shell: true, argv: ['echo out; exit 9'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'the result');
    first.kill('SIGKILL');
    stage.hub.ackResults = true;
    stage.hub.results.length = 0;
    await stage.program();
    await until(() => stage.hub.resultOf(dispatch.token)?.end.exitCode === 9, 'the result again');
    expect(stage.ledger.entries.filter(({ kind }) => kind === 'start')).toHaveLength(1);
  });

  test('after kill -9, an attempt that ran ends with agent_lost, its processes are killed, its output kept', async () => {
    stage.hub.ackLogs = false;
    const first = await stage.program('--token', enrolToken);
    const dispatch = commandDispatch({ shell: true, argv: ['echo $$; sleep 60 & echo $!; wait'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout').split('\n').length === 3, 'it runs');
    const pids = stage.hub.textOf(dispatch.token, 'stdout').trim().split('\n').map(Number);
    expect(pids.map(isAlive)).toEqual([true, true]);
    first.kill('SIGKILL');
    stage.hub.logs.length = 0;
    stage.hub.ackLogs = true;
    await stage.program();
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'the result');
    expect(stage.hub.resultOf(dispatch.token)?.end).toMatchObject({ reason: 'agent_lost' });
    expect(stage.hub.joins[1]?.held).toEqual([{ token: dispatch.token, state: 'finished' }]);
    await until(() => !pids.some(isAlive), 'its processes are dead');
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === `${pids.join('\n')}\n`, 'its output');
  });

  test('SIGTERM ends running attempts with grace, tells the hub, and exits with 0', async () => {
    const program = await stage.program('--token', enrolToken);
    const line = "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.02; done";
    const dispatch = commandDispatch({ shell: true, argv: [line] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'up\n', 'it runs');
    const exited = new Promise((resolve) => program.once('exit', resolve));
    program.kill('SIGTERM');
    expect(await exited).toBe(0);
    expect(stage.hub.resultOf(dispatch.token)?.end).toMatchObject({
      reason: 'agent_lost',
      message: 'the agent was stopped',
    });
    expect(stage.hub.textOf(dispatch.token, 'stdout')).toBe('up\nbye\n');
  });

  test('a second signal ends it and what it runs at once', async () => {
    const program = await stage.program('--token', enrolToken);
    const line = "trap '' TERM; echo up; while :; do sleep 0.02; done";
    const dispatch = commandDispatch({ shell: true, argv: [line] }, { graceMs: 60_000 });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'up\n', 'it runs');
    const exited = new Promise((resolve) => program.once('exit', resolve));
    program.kill('SIGTERM');
    await until(() => stage.lines.some((text) => text.includes('stopping')), 'it stops');
    program.kill('SIGTERM');
    expect(await exited).toBe(1);
    const group = stage.ledger.entries.find((entry) => entry.kind === 'process')?.pid ?? 0;
    expect(group).toBeGreaterThan(1);
    await until(() => !isAlive(group), 'no process is left');
  });
});

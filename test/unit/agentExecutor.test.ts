// What an agent does with real programs: each test is one real agent and one real hub on loopback.
import { existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { formatTaskId, nodeId, taskId } from '../../scheduler/protocol/brands.ts';
import { logBytesPerStreamMax } from '../../scheduler/protocol/limits.ts';
import { commandDispatch, type Result, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
});
afterEach(async () => {
  expect(stage.hub.faults).toEqual([]);
  await stage.close();
});

async function endOf(dispatch: Dispatch): Promise<Result['end']> {
  stage.hub.send('run', [dispatch]);
  await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
  const result = stage.hub.resultOf(dispatch.token);
  if (!result) throw new Error('no result');
  return result.end;
}
const outputOf = async (dispatch: Dispatch): Promise<string> => {
  await endOf(dispatch);
  await until(() => stage.hub.textOf(dispatch.token, 'stdout') !== '', 'output');
  return stage.hub.textOf(dispatch.token, 'stdout');
};
const isAlive = (pid: number): boolean => {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${String(pid)}/stat`, 'latin1'));
  } catch {
    return false;
  }
};

describe('the end of a program', () => {
  test('a program that succeeds ends with exit code 0 and its output', async () => {
    await stage.agent();
    const file = join(stage.dataFolder, 'text');
    writeFileSync(file, 'one two three\nfour five\n');
    const dispatch = commandDispatch({ argv: ['wc', '-w', file] });
    const end = await endOf(dispatch);
    expect(end).toMatchObject({ reason: 'exit', exitCode: 0 });
    expect(end.runMs).toBeGreaterThanOrEqual(0);
    expect(stage.hub.started).toContain(dispatch.token);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === `5 ${file}\n`, 'the count');
  });

  test('arguments reach the program as they are, since no shell looks at them', async () => {
    await stage.agent();
    expect(await outputOf(commandDispatch({ argv: ['printf', '%s|', '$HOME', '*', 'a b', ';ls'] }))).toBe(
      '$HOME|*|a b|;ls|',
    );
  });

  test('a shell line runs in /bin/sh', async () => {
    await stage.agent();
    expect(await outputOf(commandDispatch({ shell: true, argv: ['echo $((6*7)) | tr 4 x'] }))).toBe('x2\n');
  });

  test('a program that fails ends with its exit code', async () => {
    await stage.agent();
    const end = await endOf(commandDispatch({ shell: true, argv: ['echo no >&2; exit 7'] }));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 7 });
  });

  test('a program killed by a signal ends with the name of the signal', async () => {
    await stage.agent();
    const end = await endOf(commandDispatch({ shell: true, argv: ['kill -SEGV $$'] }));
    expect(end).toMatchObject({ reason: 'signal', signal: 'SIGSEGV' });
  });

  test('what a program left running in its group is killed when it ends', async () => {
    await stage.agent();
    const pid = Number(await outputOf(commandDispatch({ shell: true, argv: ['sleep 60 & echo $!'] })));
    await until(() => !isAlive(pid), 'the child is dead');
  });
});

describe('stopping', () => {
  test('the time limit ends the program and its grandchildren, with SIGKILL where SIGTERM is ignored', async () => {
    await stage.agent();
    const line = "trap '' TERM; sh -c 'trap \"\" TERM; sleep 60 & echo $!; wait' & wait; sleep 60";
    const dispatch = commandDispatch({ shell: true, argv: [line] }, { timeoutMs: 300, graceMs: 200 });
    const end = await endOf(dispatch);
    expect(end).toMatchObject({ reason: 'timeout', signal: 'SIGKILL' });
    expect(end.message).toContain('300 ms');
    const pid = Number(stage.hub.textOf(dispatch.token, 'stdout'));
    expect(pid).toBeGreaterThan(1);
    await until(() => !isAlive(pid), 'the grandchild is dead');
  });

  test('a program that obeys SIGTERM within its grace ends as it likes', async () => {
    await stage.agent();
    const line = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.02; done";
    const dispatch = commandDispatch({ shell: true, argv: [line] }, { graceMs: 5_000 });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'up\n', 'it runs');
    stage.hub.send('stop', [dispatch.token]);
    await until(() => stage.hub.results.length === 1, 'a result');
    expect(stage.hub.results[0]?.end).toMatchObject({ reason: 'cancelled', exitCode: 3 });
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'up\nbye\n', 'its last words');
  });

  test('a stop that comes right behind its dispatch is not lost', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ argv: ['sleep', '60'] });
    stage.hub.send('run', [dispatch]);
    stage.hub.send('stop', [dispatch.token]);
    await until(() => stage.hub.results.length === 1, 'a result');
    expect(stage.hub.results[0]?.end.reason).toBe('cancelled');
  });
});

describe('a program that cannot start', () => {
  test('a missing program is named', async () => {
    await stage.agent();
    const end = await endOf(commandDispatch({ argv: ['no-such-program'] }));
    expect(end.reason).toBe('spawn_failed');
    expect(end.message).toContain('"no-such-program" was not found in PATH');
  });

  test('a file that is not executable is named', async () => {
    await stage.agent();
    const file = join(stage.dataFolder, 'plain');
    writeFileSync(file, 'x', { mode: 0o644 });
    const end = await endOf(commandDispatch({ argv: [file] }));
    expect(end).toMatchObject({ reason: 'spawn_failed' });
    expect(end.message).toMatch(/plain" is not executable .*EACCES/);
  });

  test('a working folder that does not exist is named, not the program', async () => {
    await stage.agent();
    const end = await endOf(commandDispatch({ argv: ['true'], cwd: '/no/such/folder' }));
    expect(end).toMatchObject({ reason: 'spawn_failed' });
    expect(end.message).toBe('working folder /no/such/folder does not exist on this node');
  });

  test('a working folder outside of --work-root is refused, also by a link; one inside is taken', async () => {
    const root = mkdtempSync(join(stage.dataFolder, 'root-'));
    symlinkSync('/', join(root, 'way-out'));
    await stage.agent('--work-root', root);
    for (const cwd of ['/', join(root, '..'), join(root, 'way-out')]) {
      const end = await endOf(commandDispatch({ argv: ['true'], cwd }));
      expect(end).toMatchObject({ reason: 'refused' });
      expect(end.message).toBe(
        `working folder ${cwd} lies outside of ${root}, which is all that this node allows (--work-root)`,
      );
    }
    expect(await endOf(commandDispatch({ argv: ['true'], cwd: root }))).toMatchObject({ exitCode: 0 });
  });

  test('a kind that is not offered is refused by name', async () => {
    await stage.agent();
    const end = await endOf({ ...commandDispatch({}), work: { kind: 'simulated', runMs: 1, exitCode: 0 } });
    expect(end.reason).toBe('refused');
    expect(end.message).toContain('simulated');
  });
});

describe('surroundings of a program', () => {
  test('it has a clean environment: a base, its own variables, and who it is', async () => {
    process.env['SECRET_OF_THE_AGENT'] = 'x';
    await stage.agent();
    const dispatch = commandDispatch(
      { argv: ['env'], env: { MODE: 'fast', MILLRACE_NODE: 'forged' } },
      {
        gpuMask: 5,
        group: {
          kind: 'gang',
          groupId: taskId(41),
          index: 1,
          size: 2,
          nodes: [nodeId('PRESS-02'), nodeId('PRESS-07')],
        },
      },
    );
    const env = Object.fromEntries(
      (await outputOf(dispatch))
        .trim()
        .split('\n')
        .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
    );
    expect(env).toMatchObject({
      MODE: 'fast',
      MILLRACE_TASK: formatTaskId(dispatch.taskId),
      MILLRACE_ATTEMPT: '1',
      MILLRACE_TOKEN: String(dispatch.token),
      MILLRACE_NODE: 'PRESS-07',
      CUDA_VISIBLE_DEVICES: '0,2',
      MILLRACE_GROUP_ID: formatTaskId(taskId(41)),
      MILLRACE_INDEX: '1',
      MILLRACE_SIZE: '2',
      MILLRACE_NODES: 'PRESS-02,PRESS-07',
    });
    expect(env['PATH']).toBe(process.env['PATH']);
    expect(env).not.toHaveProperty('SECRET_OF_THE_AGENT');
  });

  test('without a folder of its own it gets a fresh one, which goes with the attempt', async () => {
    await stage.agent();
    const folder = (await outputOf(commandDispatch({ shell: true, argv: ['touch made; pwd'] }))).trim();
    expect(folder.startsWith(join(stage.dataFolder, 'work'))).toBe(true);
    await until(() => !existsSync(folder), 'the folder is gone');
  });

  test('CPU time and memory of a program that runs long enough are measured', async () => {
    await stage.agent();
    const line = 'i=0; while [ $i -lt 3000000 ]; do i=$((i+1)); done';
    const end = await endOf(commandDispatch({ shell: true, argv: [line] }));
    expect(end.cpuMs).toBeGreaterThan(0);
    expect(end.memoryPeakMiB).toBeGreaterThan(0);
  });
});

describe('output', () => {
  test('of 2 MB, the first part is kept up to the bound, and the rest is counted on the last piece', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ shell: true, argv: ['head -c 2000000 /dev/zero | tr "\\0" x'] });
    await endOf(dispatch);
    const ofIt = () => stage.hub.logs.filter((chunk) => chunk.token === dispatch.token);
    await until(() => ofIt().some((chunk) => chunk.droppedBytes !== undefined), 'the last piece');
    expect(stage.hub.textOf(dispatch.token, 'stdout')).toHaveLength(logBytesPerStreamMax);
    expect(ofIt().filter((chunk) => chunk.droppedBytes !== undefined)).toHaveLength(1);
    expect(ofIt().at(-1)?.droppedBytes).toBe(2_000_000 - logBytesPerStreamMax);
    await until(
      () => !existsSync(join(stage.dataFolder, 'logs', `${String(dispatch.token)}.stdout`)),
      'no copy left',
    );
  });

  test('characters of several bytes are never cut between pieces', async () => {
    await stage.agent();
    const text = 'aäß€𝄞漢字'.repeat(4_000);
    const file = join(stage.dataFolder, 'text');
    writeFileSync(file, text);
    const dispatch = commandDispatch({ argv: ['dd', `if=${file}`, 'bs=997'] });
    await endOf(dispatch);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout').length >= text.length, 'all of it');
    expect(stage.hub.textOf(dispatch.token, 'stdout')).toBe(text);
  });

  test('at most the flow window is under way while the hub stores nothing', async () => {
    stage.hub.ackLogs = false;
    await stage.agent();
    const dispatch = commandDispatch({ shell: true, argv: ['head -c 200000 /dev/zero | tr "\\0" x'] });
    await endOf(dispatch);
    const sent = stage.hub.logs.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(sent).toBe(64 * 1024);
  });
});

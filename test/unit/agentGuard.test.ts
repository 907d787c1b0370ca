// The guard: what an attempt is told before an effect, and effects that take place once per task.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { appendOnce } from '../../agent/guard/appendOnce.ts';
import { lockFile } from '../../agent/guard/fileLock.ts';
import { StillMine } from '../../agent/stillMine.ts';
import type { Welcome } from '../../scheduler/protocol/agentWire.ts';
import { epoch, formatTaskId, ms, taskId, type Token, token } from '../../scheduler/protocol/brands.ts';
import { commandDispatch, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-guard-'));
  file = join(folder, 'effects');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const lines = (): string[] => readFileSync(file, 'utf8').split('\n');
const line = (of: number, task = 'T-1A') => ({ task, token: of, text: 'welded' });

describe('an attempt asks', () => {
  let stage: AgentStage;
  beforeEach(async () => {
    stage = await AgentStage.open();
  });
  afterEach(async () => {
    expect(stage.hub.faults).toEqual([]);
    await stage.close();
  });
  /** Runs a shell line as an attempt; answers its exit code and what it wrote. */
  const run = async (words: string, of = taskId(46)): Promise<{ code: number | undefined; said: string }> => {
    const dispatch = commandDispatch({ shell: true, argv: [words], cwd: folder }, { taskId: of });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
    const said = () =>
      stage.hub.textOf(dispatch.token, 'stdout') + stage.hub.textOf(dispatch.token, 'stderr');
    await until(() => said() !== '', 'what it said');
    return { code: stage.hub.resultOf(dispatch.token)?.end.exitCode, said: said().trim() };
  };

  test('whether it is still its node’s: the hub’s answer is its exit code', async () => {
    await stage.agent();
    expect(await run('"$MILLRACE_GUARD" check')).toEqual({ code: 0, said: 'mine' });
    stage.hub.mine = () => [];
    expect(await run('"$MILLRACE_GUARD" check')).toMatchObject({ code: 75 });
    expect((await run('"$MILLRACE_GUARD" check')).said).toContain('no longer this node’s');
  });

  test('with a silent hub nobody can say, since the lease of a new attempt was never confirmed', async () => {
    await stage.agent();
    stage.hub.mine = undefined;
    expect(await run('"$MILLRACE_GUARD" check')).toMatchObject({ code: 69 });
  });

  test('a line is written once per task, and a later attempt is told by which it was', async () => {
    await stage.agent();
    const first = await run(
      '"$MILLRACE_GUARD" append effects "seam 7  ok"; "$MILLRACE_GUARD" append ./effects again',
    );
    expect(first.code).toBe(0);
    const [, task, of] = /^(T-\S+) (\d+) seam 7 {2}ok$/.exec(lines()[0] ?? '') ?? [];
    expect(task).toBe(formatTaskId(taskId(46)));
    expect(first.said).toBe(`done\nalready done by attempt token ${String(of)}`);
    expect(await run('"$MILLRACE_GUARD" append effects later')).toEqual({
      code: 0,
      said: `already done by attempt token ${String(of)}`,
    });
    expect((await run('"$MILLRACE_GUARD" append effects other', taskId(47))).code).toBe(0);
    expect(lines()).toHaveLength(3);
  });

  test('an attempt that is no longer its node’s writes nothing, with a silent hub the file decides', async () => {
    await stage.agent();
    stage.hub.mine = () => [];
    expect(await run('"$MILLRACE_GUARD" append effects x')).toMatchObject({ code: 75 });
    expect(readdirSync(folder)).toEqual([]);
    stage.hub.mine = undefined;
    expect(await run('"$MILLRACE_GUARD" append effects x')).toEqual({ code: 0, said: 'done' });
  });

  test('twenty attempts of one task that write at the same time leave one line and no lock', async () => {
    await stage.agent();
    const dispatches = Array.from({ length: 20 }, () =>
      commandDispatch(
        { shell: true, argv: ['"$MILLRACE_GUARD" append effects x'], cwd: folder },
        { taskId: taskId(9) },
      ),
    );
    stage.hub.send('run', dispatches);
    await until(() => dispatches.every((each) => stage.hub.resultOf(each.token)), 'all results');
    expect(lines()).toHaveLength(2);
    const codes = dispatches.map((each) => stage.hub.resultOf(each.token)?.end.exitCode);
    expect(codes.every((code) => code === 0 || code === 75)).toBe(true);
    expect(readdirSync(folder)).toEqual(['effects']);
    expect(readdirSync(join(stage.dataFolder, 'door')).sort()).toEqual(['asks', 'guard']);
  });

  test('a command runs once per task; again, its exit code is answered; another name is another command', async () => {
    await stage.agent();
    const once = '"$MILLRACE_GUARD" once weld -- sh -c "echo ran >> effects; exit 3"; echo code $?';
    expect((await run(once)).said).toBe('code 3');
    expect((await run(once)).said).toBe('code 3');
    expect((await run(once.replace('weld', 'grind/2'))).said).toBe('code 3');
    expect(lines()).toEqual(['ran', 'ran', '']);
  });

  test('a command that was begun and never ended is not run again', async () => {
    await stage.agent();
    const dies = '"$MILLRACE_GUARD" once weld -- sh -c "echo ran >> effects; kill -9 \\$PPID"; echo code $?';
    expect((await run(dies)).said).toContain('code 137');
    const again = await run('"$MILLRACE_GUARD" once weld -- sh -c "echo ran >> effects"; echo code $?');
    expect(again.said).toMatch(/its end is unknown/);
    expect(again.said).toContain('code 74');
    expect(lines()).toEqual(['ran', '']);
  });

  test('a changed byte in the record of a command counts as an unknown end', async () => {
    await stage.agent();
    await run('"$MILLRACE_GUARD" once weld -- echo ran >> effects; echo code $?');
    const once = join(stage.dataFolder, 'once');
    const record = join(once, readdirSync(once)[0] ?? '');
    writeFileSync(record, readFileSync(record, 'utf8').replace('ended 0', 'ended 1'));
    expect((await run('"$MILLRACE_GUARD" once weld -- echo ran; echo code $?')).said).toContain('code 74');
  });

  test('a wrong word is explained, a wrong secret and a stranger are turned away', async () => {
    await stage.agent();
    expect((await run('"$MILLRACE_GUARD" chekc; echo code $?')).said).toContain('code 64');
    expect((await run('MILLRACE_SECRET=x "$MILLRACE_GUARD" check; echo code $?')).said).toContain('code 69');
    expect((await run('MILLRACE_TOKEN=1 "$MILLRACE_GUARD" append effects x; echo code $?')).said).toContain(
      'code 69',
    );
    expect((await run('env -u MILLRACE_DOOR "$MILLRACE_GUARD" check; echo code $?')).said).toContain(
      'code 69',
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('one line per task', () => {
  test('a file with a line of a newer attempt fences the older one', async () => {
    writeFileSync(file, 'T-1A 9 welded\n');
    expect(await appendOnce(file, line(5))).toEqual({ code: 75, said: 'done by a newer attempt, token 9' });
    expect(await appendOnce(file, line(9))).toMatchObject({ code: 0 });
    expect(await appendOnce(file, line(12))).toEqual({ code: 0, said: 'already done by attempt token 9' });
    expect(await appendOnce(file, line(5, 'T-1'))).toEqual({ code: 0, said: 'done' });
    expect(lines()).toEqual(['T-1A 9 welded', 'T-1 5 welded', '']);
  });

  test.each(['T', 'T-', 'T-1A', 'T-1A 4', 'T-1A 4 wel', '\0\0\0', 'T-1A 4 w\0\0'])(
    'a last line torn by a power cut (%j) is cut, and counts as never done',
    async (torn) => {
      writeFileSync(file, `T-2 3 bent\n${torn}`);
      expect(await appendOnce(file, line(5))).toEqual({ code: 0, said: 'done' });
      expect(lines()).toEqual(['T-2 3 bent', 'T-1A 5 welded', '']);
    },
  );

  test('what somebody else left unended is not cut', async () => {
    writeFileSync(file, 'my notes');
    expect(await appendOnce(file, line(5))).toMatchObject({ code: 65 });
    expect(lines()).toEqual(['my notes']);
  });

  test('two names of one file meet at one lock', async () => {
    writeFileSync(file, '');
    symlinkSync(file, join(folder, 'alias'));
    await Promise.all([appendOnce(file, line(5)), appendOnce(join(folder, 'alias'), line(6))]);
    expect(lines()).toHaveLength(2);
  });

  test('a folder that is not there is said', async () => {
    const answer = await appendOnce(join(folder, 'no', 'effects'), line(5));
    expect(answer).toMatchObject({ code: 74 });
    expect(answer.said).toContain('ENOENT');
  });
});

describe('the lock', () => {
  const dead = (more: object = {}): string =>
    JSON.stringify({ pid: 4_194_000, startTicks: 1, boot: 'another', host: hostname(), ...more });

  test('of a dead owner is broken, also where an earlier breaker died', async () => {
    symlinkSync(dead(), `${file}.lock`);
    const lock = await lockFile(file);
    if (!lock.ok) throw new Error(lock.reason);
    lock.value();
    expect(readdirSync(folder)).toEqual([]);
  });

  test('is held by one at a time while many find it left by a dead owner', async () => {
    symlinkSync(dead(), `${file}.lock`);
    let holders = 0;
    const most: number[] = [];
    const hold = async (): Promise<void> => {
      const lock = await lockFile(file);
      if (!lock.ok) throw new Error(lock.reason);
      holders += 1;
      most.push(holders);
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      lock.value();
    };
    await Promise.all(Array.from({ length: 30 }, hold));
    expect(Math.max(...most)).toBe(1);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('the promise of a lease', () => {
  const line = (isJoined: boolean[]) => ({
    isJoined: () => isJoined[0] ?? false,
    running: () => [token(1), token(2)],
    leaseMsOf: () => undefined,
    sendHeartbeat: () => undefined,
    sendCheck: () => undefined,
  });
  const welcome = (revoked: Token[] = []): Welcome => ({
    epoch: epoch(1),
    heartbeatMs: ms(10),
    attemptLeaseMs: ms(1_000),
    returnAfterMs: ms(0),
    revoked,
    publicKey: 'A'.repeat(43),
  });

  test('of a join holds until it runs out, a little early, and not for what was revoked', async () => {
    let now = 5_000;
    const isJoined = [true];
    const still = new StillMine(line(isJoined), () => now);
    still.joined(welcome([token(2)]), 4_900);
    isJoined[0] = false;
    expect(await still.ask(token(1))).toBe('mine');
    expect(await still.ask(token(2))).toBe('unknown');
    expect(await still.ask(token(3))).toBe('unknown');
    now = 4_900 + 951;
    expect(await still.ask(token(1))).toBe('unknown');
  });

  test('of a check counts from when it was sent, and a no takes it away', async () => {
    let now = 5_000;
    const isJoined = [true];
    const still = new StillMine(line(isJoined), () => now);
    still.joined(welcome(), 0);
    const asked = [still.ask(token(1)), still.ask(token(2))];
    await new Promise((resolve) => setImmediate(resolve));
    now = 5_100;
    still.answered({ asked: [token(1), token(2)], mine: [token(1)] });
    expect(await Promise.all(asked)).toEqual(['mine', 'not_mine']);
    isJoined[0] = false;
    now = 5_900;
    expect(await still.ask(token(1))).toBe('mine');
    expect(await still.ask(token(2))).toBe('unknown');
    now = 5_951;
    expect(await still.ask(token(1))).toBe('unknown');
  });
});

// What an attempt leaves for the next one, through a real agent: read at any end, bounded, gone from the disk after.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Dispatch } from '../../scheduler/protocol/agentWire.ts';
import { checkpointBytesMax } from '../../scheduler/protocol/limits.ts';
import { commandDispatch, enrolToken, type Result, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
});
afterEach(async () => {
  expect(stage.hub.faults).toEqual([]);
  await stage.close();
});

const endOf = async ({ token }: Dispatch): Promise<Result['end']> => {
  await until(() => stage.hub.resultOf(token) !== undefined, 'a result');
  const result = stage.hub.resultOf(token);
  if (!result) throw new Error('no result');
  return result.end;
};
const run = (dispatch: Dispatch): Promise<Result['end']> => {
  stage.hub.send('run', [dispatch]);
  return endOf(dispatch);
};
const line = (text: string, more: Partial<Dispatch> = {}): Dispatch =>
  commandDispatch({ shell: true, argv: [text] }, more);
/** Counts on from where the attempt before was, leaves each number by a rename, and says the first one. */
const counting = [
  'n=0; [ -f "$MILLRACE_CHECKPOINT" ] && n=$(cat "$MILLRACE_CHECKPOINT"); echo "from $n"',
  'while [ "$n" -lt 1000000 ]; do n=$((n+1)); echo "$n" > "$MILLRACE_CHECKPOINT_OUT.new"',
  'mv "$MILLRACE_CHECKPOINT_OUT.new" "$MILLRACE_CHECKPOINT_OUT"; sleep 0.01; done',
].join('; ');

describe('a checkpoint', () => {
  test('a program that is stopped while it counts goes on where it was', async () => {
    await stage.agent();
    const first = line(counting, { graceMs: 5_000 });
    stage.hub.send('run', [first]);
    await until(() => stage.hub.textOf(first.token, 'stdout') === 'from 0\n', 'it counts');
    await until(
      () => existsSync(join(stage.dataFolder, 'checkpoints', String(first.token), 'after')),
      'it has left a number',
    );
    stage.hub.send('stop', [first.token]);
    const { reason, checkpoint = '' } = await endOf(first);
    expect(reason).toBe('cancelled');
    expect(Number(checkpoint)).toBeGreaterThan(0);

    const second = line(counting, { attempt: 2, checkpoint });
    stage.hub.send('run', [second]);
    await until(
      () => stage.hub.textOf(second.token, 'stdout') === `from ${checkpoint.trim()}\n`,
      'it goes on from there',
    );
    stage.hub.send('stop', [second.token]);
    expect(Number((await endOf(second)).checkpoint)).toBeGreaterThanOrEqual(Number(checkpoint));
  });

  test('the first attempt finds no file, and one that writes none leaves none', async () => {
    await stage.agent();
    const dispatch = line('test ! -e "$MILLRACE_CHECKPOINT" && test -d "${MILLRACE_CHECKPOINT%/*}"');
    const end = await run(dispatch);
    expect(end).toMatchObject({ reason: 'exit', exitCode: 0 });
    expect(end).not.toHaveProperty('checkpoint');
    await until(() => readdirSync(join(stage.dataFolder, 'checkpoints')).length === 0, 'its files are gone');
  });

  test.each([
    ['fails', 'exit 3', 'exit'],
    ['runs into its time limit', 'sleep 60', 'timeout'],
    ['is killed', 'kill -KILL $$', 'signal'],
    ['succeeds', 'exit 0', 'exit'],
  ])('is kept where the program %s', async (_how, ending, reason) => {
    await stage.agent();
    const text = `printf 'part \\303\\244' > "$MILLRACE_CHECKPOINT_OUT"; ${ending}`;
    expect(await run(line(text, { timeoutMs: 500, graceMs: 0 }))).toMatchObject({
      reason,
      checkpoint: 'part ä',
    });
  });

  test.each([
    [
      `head -c ${String(checkpointBytesMax + 1)} /dev/zero | tr '\\0' x > "$MILLRACE_CHECKPOINT_OUT"`,
      `its checkpoint has ${String(checkpointBytesMax + 1)} bytes, at most ${String(checkpointBytesMax)} are kept`,
    ],
    ['printf "\\377" > "$MILLRACE_CHECKPOINT_OUT"', 'its checkpoint is no UTF-8 text'],
    ['mkfifo "$MILLRACE_CHECKPOINT_OUT"', 'its checkpoint is no plain file'],
    ['ln -s /etc/hostname "$MILLRACE_CHECKPOINT_OUT"', 'its checkpoint cannot be read (ELOOP)'],
  ])('one that cannot be kept is said and not sent: %s', async (text, message) => {
    await stage.agent();
    const end = await run(line(text));
    expect(end).toMatchObject({ reason: 'exit', exitCode: 0, message });
    expect(end).not.toHaveProperty('checkpoint');
  });

  test('the largest one arrives whole', async () => {
    await stage.agent();
    const text = `head -c ${String(checkpointBytesMax)} /dev/zero | tr '\\0' x > "$MILLRACE_CHECKPOINT_OUT"`;
    expect((await run(line(text))).checkpoint).toBe('x'.repeat(checkpointBytesMax));
  });

  test('what it had left when its agent was killed goes with its end', async () => {
    const program = await stage.program('--token', enrolToken);
    const dispatch = line('echo 7 > "$MILLRACE_CHECKPOINT_OUT"; echo there; sleep 60');
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'there\n', 'it has left something');
    program.kill('SIGKILL');
    await stage.program();
    expect(await endOf(dispatch)).toMatchObject({ reason: 'agent_lost', checkpoint: '7\n' });
  });
});

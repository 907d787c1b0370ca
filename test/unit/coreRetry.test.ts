// What follows an attempt that ended badly: backoff, another attempt, or the dead letter list.
import { describe, expect, test } from 'vitest';
import { platformRetriesMax } from '../../scheduler/protocol/limits.ts';
import type { AttemptEnd } from '../../scheduler/protocol/attempt.ts';
import { failure, liveOf, startedCore } from './coreStage.ts';

/** A task on its node, and a way to end its attempts one after the other. */
function onNode(input: object) {
  const stage = startedCore();
  stage.join('N1');
  const id = stage.submitOne(input);
  const end = (how: AttemptEnd) => stage.ended('N1', id, liveOf(stage.core, id).token, how);
  /** Ends the attempt, and gives how long the task then waits; undefined where it does not. */
  const waitAfter = (how: AttemptEnd): number | undefined => {
    const backedOff = end(how).events.find((event) => event.kind === 'task_backed_off');
    if (!backedOff) return undefined;
    const waitMs = backedOff.untilMs - stage.now();
    stage.wait(waitMs + 500, () => [stage.beat('N1')]);
    return waitMs;
  };
  return { ...stage, id, end, waitAfter };
}

describe('retry', () => {
  test('the wait doubles with each failure up to the cap, within 25 % either way', () => {
    const { waitAfter } = onNode({ retry: { attemptsMax: 7, backoffMs: 1_000, backoffCapMs: 8_000 } });
    for (const plainMs of [1_000, 2_000, 4_000, 8_000, 8_000, 8_000]) {
      const waitMs = waitAfter(failure) ?? 0;
      expect(waitMs).toBeGreaterThanOrEqual(0.75 * plainMs);
      expect(waitMs).toBeLessThanOrEqual(1.25 * plainMs);
    }
    expect(waitAfter(failure)).toBeUndefined();
  });

  test('tasks that failed together do not come back together', () => {
    const { core, submitOne, ended, now } = onNode({});
    const waits = [1, 2, 3, 4].map(() => {
      const id = submitOne();
      ended('N1', id, liveOf(core, id).token, failure);
      return (core.state.tasks.get(id)?.untilMs ?? 0) - now();
    });
    expect(new Set(waits).size).toBe(4);
  });

  test('the task is placed again, with a larger token and the next attempt number', () => {
    const { core, id, waitAfter } = onNode({});
    const before = liveOf(core, id);
    waitAfter(failure);
    expect(liveOf(core, id).token).toBeGreaterThan(before.token);
    expect(core.view().task(id)?.attempts).toHaveLength(2);
  });

  test('what the platform lost does not spend the attempts of the task, up to a bound', () => {
    const { waitAfter, end } = onNode({ retry: { attemptsMax: 1, backoffMs: 100, backoffCapMs: 100 } });
    for (let loss = 0; loss < platformRetriesMax; loss += 1)
      expect(waitAfter({ reason: loss % 2 === 0 ? 'agent_lost' : 'refused' })).toBeDefined();
    expect(end({ reason: 'agent_lost' }).ended).toMatchObject([
      {
        state: 'dead_letter',
        reason: 'lost 11 times (at most 10 are repeated): the agent stopped while it ran',
      },
    ]);
  });

  test.each<[AttemptEnd, string]>([
    [{ reason: 'exit', exitCode: 3 }, '1 of 1 attempts failed: exit code 3'],
    [{ reason: 'exit', exitCode: 3, message: 'no part' }, '1 of 1 attempts failed: exit code 3 (no part)'],
    [{ reason: 'signal', signal: 'SIGKILL' }, '1 of 1 attempts failed: ended by SIGKILL'],
    [{ reason: 'timeout' }, '1 of 1 attempts failed: ran longer than its timeout'],
    [
      { reason: 'spawn_failed', message: 'no such program' },
      '1 of 1 attempts failed: could not be started (no such program)',
    ],
    [{ reason: 'cancelled' }, '1 of 1 attempts failed: was stopped'],
  ])('the dead letter list says why: %o', (how, reason) => {
    const { end } = onNode({ retry: { attemptsMax: 1 } });
    expect(end(how).ended).toMatchObject([{ state: 'dead_letter', reason }]);
  });

  test('the timeout is the agent’s to keep: the core lets an attempt run on while it is heard of', () => {
    const { core, id, wait, beat, started } = onNode({ timeoutMs: 1_000 });
    const { token } = liveOf(core, id);
    started('N1', token);
    wait(60_000, () => [beat('N1', token)]);
    expect(liveOf(core, id).token).toBe(token);
    expect(core.state.tasks.get(id)?.state).toBe('running');
  });
});

describe('at most once', () => {
  test.each<AttemptEnd>([
    failure,
    { reason: 'agent_lost' },
    { reason: 'timeout' },
    { reason: 'spawn_failed' },
  ])('is not tried again after %o, since it may have run', (how) => {
    const { end } = onNode({ delivery: 'at_most_once', retry: { attemptsMax: 5 } });
    const [record] = end(how).ended;
    expect(record?.state).toBe('dead_letter');
    expect(record?.reason).toMatch(/^runs at most once and may have run: /);
  });

  test('is not tried again when its node goes silent', () => {
    const { wait, core } = onNode({ delivery: 'at_most_once' });
    const kinds = wait(60_000).map(({ kind }) => kind);
    expect(kinds).toContain('task_dead_lettered');
    expect(core.state.tasks.size).toBe(0);
  });

  test('is tried again where the agent refused it: it surely did not run', () => {
    const { waitAfter } = onNode({ delivery: 'at_most_once' });
    expect(waitAfter({ reason: 'refused' })).toBeDefined();
  });
});

describe('a stale report', () => {
  test('of an attempt that is over changes nothing and is counted', () => {
    const { core, id, waitAfter, ended, started } = onNode({});
    const old = liveOf(core, id).token;
    waitAfter(failure);
    expect(ended('N1', id, old).events).toEqual([]);
    expect(started('N1', old).events).toEqual([]);
    expect(core.state.staleReports).toBe(2);
  });

  test('of another node for a live token changes nothing', () => {
    const { core, id, ended, join } = onNode({});
    join('N2');
    expect(ended('N2', id, liveOf(core, id).token).events).toEqual([]);
  });
});

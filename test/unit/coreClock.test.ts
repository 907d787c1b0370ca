// Time as the core sees it: a stall of the host and a clock that jumps end nothing that is alive.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { failure, kindsOf, liveOf, running, startedCore } from './coreStage.ts';

describe('a stall of the host', () => {
  test.each([10_000, 60_000])('of %i ms ends nothing: agents first get time to be heard', (stallMs) => {
    const { core, jump, wait, beat, token, id } = running();
    jump(stallMs);
    let ticks = 0;
    const events = wait(40_000, () => {
      ticks += 1;
      return ticks % 20 === 19 ? [beat('N1', token)] : []; // the next heartbeat comes almost 10 s later
    });
    expect(kindsOf(events)).toEqual([]);
    expect(liveOf(core, id).token).toBe(token);
  });

  test('does not keep a dead node: it is lost one node lease after the stall', () => {
    const { jump, wait } = running();
    jump(10_000);
    expect(kindsOf(wait(nodeLeaseMs + 1_000))).toContain('node_lost');
  });
});

describe('a stall in the rejoin window', () => {
  test('moves the window along: agents still have all of it to come back', () => {
    const { core, id, token } = running();
    const after = startedCore(undefined, Core.restored(core.snapshotParts()));
    after.wait(1_000);
    after.jump(20_000);
    after.wait(rejoinWindowMs - 2_000);
    after.join('N1', {}, [{ token, state: 'running' }]);
    expect(liveOf(after.core, id).token).toBe(token);
  });
});

describe('the clock', () => {
  test.each([-86_400_000, 86_400_000])(
    'that jumps by %i ms while the host runs ends nothing alive',
    (byMs) => {
      const { core, jump, wait, beat, token, id } = running();
      jump(byMs);
      expect(kindsOf(wait(30_000, () => [beat('N1', token)]))).toEqual([]);
      expect(liveOf(core, id).token).toBe(token);
    },
  );

  test('set back does not make leases stand still', () => {
    const { jump, wait } = running();
    jump(-86_400_000);
    expect(kindsOf(wait(30_000))).toContain('node_lost');
  });

  test('set back across a restart does not make backoffs stand still', () => {
    const { core, ended, id, token } = running();
    ended('N1', id, token, failure);
    const after = startedCore(undefined, Core.restored(core.snapshotParts())); // begins before the last batch
    expect(after.now()).toBeLessThan(core.state.lastBatchAtMs);
    after.join('N2');
    expect(kindsOf(after.wait(5_000, () => [after.beat('N2')]))).toContain('attempt_placed');
  });

  test('of batches never runs backwards', () => {
    const { core, jump, submitOne } = running();
    const before = core.state.lastBatchAtMs;
    jump(-3_600_000);
    submitOne();
    expect(core.state.lastBatchAtMs).toBeGreaterThanOrEqual(before);
  });
});

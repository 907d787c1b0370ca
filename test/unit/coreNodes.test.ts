// A node's life as its specification: leases, losses, stalls of the host, restarts, and agents that come back.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { nodeId, type Token } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';
import { attemptLeaseMs, nodeLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { failure, liveOf, reasonOf, startedCore } from './coreStage.ts';

const kindsOf = (events: readonly Event[]) => events.map(({ kind }) => kind);

/** A core whose rejoin window is over, a node that beats, and a task that runs there. */
function running(input: object = {}) {
  const stage = startedCore();
  stage.wait(rejoinWindowMs + 1_000);
  stage.join('N1');
  const id = stage.submitOne(input);
  const { token } = liveOf(stage.core, id);
  stage.started('N1', token);
  return { ...stage, id, token };
}

describe('a node that goes silent', () => {
  test('is lost after its lease, and its work is elsewhere within 20 s', () => {
    const { core, wait, join, id, token, beat, now } = running();
    join('N2');
    const silentFromMs = now();
    let lostAfterMs: number | undefined;
    let placedAfterMs: number | undefined;
    while (placedAfterMs === undefined && now() - silentFromMs < 60_000) {
      const kinds = kindsOf(wait(500, () => [beat('N2')]));
      if (kinds.includes('node_lost')) lostAfterMs ??= now() - silentFromMs;
      if (kinds.includes('attempt_placed')) placedAfterMs = now() - silentFromMs;
    }
    expect(lostAfterMs).toBeGreaterThanOrEqual(nodeLeaseMs);
    expect(lostAfterMs).toBeLessThanOrEqual(15_000);
    expect(placedAfterMs).toBeLessThanOrEqual(attemptLeaseMs + 2_000); // 19 s, and the first backoff of 0.75 to 1.25 s
    expect(liveOf(core, id)).toMatchObject({ nodeId: 'N2' });
    expect(liveOf(core, id).token).toBeGreaterThan(token);
  });

  test('keeps its work where it is back before the attempt’s lease ends', () => {
    const { core, wait, join, id, token } = running();
    wait(16_000);
    expect(core.view().node(nodeId('N1'))?.state).toBe('lost');
    const { answers } = join('N1', {}, [{ token, state: 'running' }]);
    expect(answers[0]).toMatchObject({ value: { joined: { revoked: [] } } });
    wait(10_000);
    expect(liveOf(core, id).token).toBe(token);
  });

  test('has its attempts revoked where it is back too late', () => {
    const { wait, join, token } = running();
    wait(25_000);
    expect(join('N1', {}, [{ token, state: 'running' }]).answers[0]).toMatchObject({
      value: { joined: { revoked: [token] } },
    });
  });

  test('takes no work from the moment its connection closed', () => {
    const { give, submitOne, core } = running();
    give({ kind: 'DisconnectNode', nodeId: nodeId('N1') });
    const other = submitOne();
    expect(core.view().taskRow(other)?.waiting).toBe('blocked');
  });

  test('has its connection dropped, so that a half-open one cannot stay', () => {
    const { wait, give, jump, beat } = running();
    wait(nodeLeaseMs - 1_000);
    jump(1_500);
    expect(give(beat('N9')).effects).toContainEqual({ kind: 'node_dropped', nodeId: 'N1' });
  });
});

describe('heartbeats', () => {
  test('renew the leases of the attempts that they name, without an event', () => {
    const { core, wait, beat, id, token } = running();
    expect(wait(120_000, () => [beat('N1', token)])).toEqual([]);
    expect(liveOf(core, id).token).toBe(token);
  });

  test('that do not name an attempt let it end, though the node is well', () => {
    const { wait, beat } = running();
    const kinds = kindsOf(wait(25_000, () => [beat('N1')]));
    expect(kinds).toContain('attempt_ended');
    expect(kinds).not.toContain('node_lost');
  });
});

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
    const after = startedCore(undefined, new Core(undefined, core.snapshot())); // begins before the last batch
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

describe('a restart of the host', () => {
  const restarted = (core: Core) => startedCore(undefined, new Core(undefined, core.snapshot()));

  test('begins a new epoch, and every node has to come back', () => {
    const { core } = running();
    const after = restarted(core);
    expect(after.core.state.epoch).toBe(2);
    expect(after.core.view().nodeCounts()).toMatchObject({ online: 0, disconnected: 1 });
  });

  test('keeps attempts that are reported within the rejoin window, and those that nobody reports are lost', () => {
    const { core, submitOne, join, id, token } = running();
    join('N2');
    const other = submitOne({ selector: { node: ['N2'] } });
    const after = restarted(core);
    after.wait(rejoinWindowMs - 1_000);
    expect(liveOf(after.core, other)).toBeDefined();
    after.join('N1', {}, [{ token, state: 'running' }]);
    const events = after.wait(5_000, () => [after.beat('N1', token)]);
    expect(kindsOf(events)).toContain('attempt_ended');
    expect(liveOf(after.core, id).token).toBe(token);
    expect(after.core.state.tasks.get(other)?.live).toBeUndefined();
  });
});

describe('an agent that comes back', () => {
  test('is sent again what never reached it', () => {
    const { submitOne, join, give, core } = startedCore();
    join('N1');
    const id = submitOne();
    give({ kind: 'DisconnectNode', nodeId: nodeId('N1') });
    expect(join('N1').dispatches).toMatchObject([{ token: liveOf(core, id).token, attempt: 1 }]);
  });

  test('confirms by what it holds that it runs', () => {
    const { submitOne, join, core } = startedCore();
    join('N1');
    const id = submitOne();
    const { token } = liveOf(core, id);
    expect(kindsOf(join('N1', {}, [{ token, state: 'running' }]).events)).toEqual([
      'node_joined',
      'attempt_started',
    ]);
  });

  test('without what had started there has lost it', () => {
    const { join } = running();
    const { events, dispatches } = join('N1');
    expect(kindsOf(events)).toContain('attempt_ended');
    expect(dispatches).toEqual([]);
  });

  test('with a finished attempt is asked nothing: its result follows', () => {
    const { join, token } = running();
    const turned = join('N1', {}, [{ token, state: 'finished' }]);
    expect(kindsOf(turned.events)).toEqual(['node_joined']);
    expect(turned.effects).toEqual([]);
  });

  test('is told again to stop what was cancelled meanwhile', () => {
    const { give, join, id, token } = running();
    give({ kind: 'DisconnectNode', nodeId: nodeId('N1') });
    give({ kind: 'CancelTask', taskId: id, actor: 'ann', reason: '' });
    expect(join('N1', {}, [{ token, state: 'running' }]).stops).toEqual([token]);
  });

  test('with attempts that were never here has them revoked', () => {
    const { join } = startedCore();
    const unknown = 77 as Token;
    expect(join('N1', {}, [{ token: unknown, state: 'running' }]).answers[0]).toMatchObject({
      value: { joined: { revoked: [unknown] } },
    });
  });
});

describe('cordon and removal', () => {
  test('a cordoned node takes nothing new and keeps what it runs; opened, it takes what waits', () => {
    const { give, submitOne, core, id, token } = running();
    const cordon = (isCordoned: boolean) =>
      give({ kind: 'SetCordon', nodeId: nodeId('N1'), isCordoned, actor: 'ann' });
    cordon(true);
    const other = submitOne();
    expect(core.state.tasks.get(other)?.live).toBeUndefined();
    expect(liveOf(core, id).token).toBe(token);
    expect(cordon(false).dispatches).toMatchObject([{ taskId: other }]);
  });

  test('a node is removed only when it is gone and nothing may run there', () => {
    const { give, wait, core } = running();
    const forget = () =>
      reasonOf(give({ kind: 'ForgetNode', nodeId: nodeId('N1'), actor: 'ann' }).answers[0]);
    expect(forget()?.message).toContain('is connected');
    give({ kind: 'DisconnectNode', nodeId: nodeId('N1') });
    expect(forget()?.message).toContain('may still run 1 attempts');
    wait(30_000);
    expect(forget()).toBeUndefined();
    expect(core.view().nodeCounts().total).toBe(0);
  });
});

// A node's life as its specification: leases, losses, stalls of the host, restarts, and agents that come back.
import { describe, expect, test } from 'vitest';
import { Core } from '../../scheduler/core/cycle.ts';
import { brokenInvariants } from '../../scheduler/core/state/invariants.ts';
import { ms, nodeId, type Token } from '../../scheduler/protocol/brands.ts';
import { attemptLeaseMs, nodeLeaseMs, rejoinWindowMs } from '../../scheduler/protocol/limits.ts';
import { kindsOf, liveOf, reasonOf, running, startedCore } from './coreStage.ts';

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

describe('a restart of the host', () => {
  const restarted = (core: Core) => startedCore(undefined, Core.restored(core.snapshotParts()));

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

describe('a node that comes back smaller than what it holds', () => {
  const rejoined = (resources: object, input: object) => {
    const stage = running(input);
    stage.join('N1', { resources }, [{ token: stage.token, state: 'running' }]);
    return stage;
  };

  test.each([
    ['less CPU', { cpu: 2_000 }, { cpu: 4_000 }, { cpu: 0 }],
    ['less memory', { memory: 1_024 }, { memory: 4_096 }, { memory: 0 }],
    ['fewer slots', { slots: 1 }, { slots: 3 }, {}],
  ])('%s: keeps that, and takes nothing new until it fits', (_what, resources, ask, small) => {
    const { core, submitOne, ended, id, token } = rejoined(resources, { ask });
    const other = submitOne({ ask: small });
    expect(liveOf(core, id).token).toBe(token);
    expect(core.state.tasks.get(other)?.live).toBeUndefined();
    expect(ended('N1', id, token).dispatches).toMatchObject([{ taskId: other }]);
  });

  test('is the same node after a restart from a snapshot', () => {
    const { core, id, token } = rejoined({ cpu: 2_000 }, { ask: { cpu: 4_000 } });
    const { give, join, submitOne, ended } = startedCore(undefined, Core.restored(core.snapshotParts()));
    join('N1', { resources: { cpu: 2_000 } }, [{ token, state: 'running' }]);
    const other = submitOne();
    expect(give().dispatches).toEqual([]);
    expect(ended('N1', id, token).dispatches).toMatchObject([{ taskId: other }]);
  });

  test('breaks the books like any other once it fits again', () => {
    const { core, ended, id, token } = rejoined({ cpu: 2_000 }, { ask: { cpu: 4_000 } });
    ended('N1', id, token);
    core.state.nodes.cpuFree[0] = -1;
    expect(brokenInvariants(core.state).join()).toContain('oversold: cpu of N1');
  });
});

test('a repaired journal goes on in an epoch and with numbers that its lost batches cannot have given', () => {
  const { core, id, token } = running();
  const { epoch, sequence } = core.state;
  const repaired = {
    kind: 'journal_repaired',
    nextTaskId: id + 500,
    nextToken: token + 500,
    ended: [id],
  } as const;
  core.replay({ sequence: sequence + 1, atMs: ms(core.state.lastBatchAtMs), events: [repaired] });
  expect(core.state.epoch).toBeGreaterThan(epoch + 1_000);
  expect(core.state).toMatchObject({ nextTaskId: id + 500, nextToken: token + 500 });
  expect(core.state.tasks.size).toBe(0);
  expect(brokenInvariants(core.state)).toEqual([]);
});

// Overload: levels with hysteresis, what each sheds, what is never shed; and the meters of limits.
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { CommandQueue } from '../../scheduler/engine/commandQueue.ts';
import { agentHandlers } from '../../scheduler/host/agentHandlers.ts';
import { LogGate } from '../../scheduler/host/logGate.ts';
import { awaitReturning } from '../../scheduler/host/returning.ts';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { LimitMeters } from '../../scheduler/observe/limitMeters.ts';
import { Overload, type OverloadLevel, type Strain } from '../../scheduler/observe/overload.ts';
import { ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import { decode } from '../../scheduler/protocol/decode.ts';
import type { Command } from '../../scheduler/protocol/events.ts';
import {
  actsPerTurnMin,
  commandsPerCycleMax,
  heartbeatsPerTurnMin,
  heldLogBytesMax,
  historyQueueMax,
  pendingCommandsMax,
} from '../../scheduler/protocol/limits.ts';
import { accepted } from '../../scheduler/protocol/outcome.ts';
import { taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { plantTiming } from '../../scheduler/protocol/timing.ts';
import { openConsole } from './consoleStage.ts';

const calm: Strain = { loopLateMs: 0, writeMs: 0, commands: 0, historyPending: 0 };
const tickMs = 250;

function watched() {
  const changes: [OverloadLevel, OverloadLevel][] = [];
  const overload = new Overload((level, before) => changes.push([level, before]));
  let nowMs = 0;
  const hold = (strain: Partial<Strain>, forMs: number): OverloadLevel => {
    for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += tickMs)
      overload.look(nowMs, { ...calm, ...strain });
    return overload.level;
  };
  return { overload, changes, hold };
}

describe('the level of overload', () => {
  test.each([
    [{ loopLateMs: 120 }, 1],
    [{ writeMs: 300 }, 1],
    [{ loopLateMs: 300 }, 2],
    [{ historyPending: historyQueueMax * 0.7 }, 2],
    [{ loopLateMs: 1_500 }, 3],
    [{ writeMs: 3_500 }, 3],
    [{ commands: pendingCommandsMax }, 3],
    [{ historyPending: historyQueueMax }, 3],
  ])('%o lasting: level %i', (strain, level) => {
    expect(watched().hold(strain, 2_000)).toBe(level);
  });

  test('a single pause is no overload', () => {
    const { hold, changes } = watched();
    hold({ loopLateMs: 5_000 }, tickMs);
    hold({}, 10_000);
    expect(changes).toEqual([]);
  });

  test('it is left step by step, each after a calm while, and not where it only just fits', () => {
    const { hold, changes } = watched();
    hold({ loopLateMs: 1_500 }, 2_000);
    expect(hold({ loopLateMs: 900 }, 20_000)).toBe(3);
    expect(hold({ loopLateMs: 20 }, 3_250)).toBe(2);
    expect(hold({}, 3_000)).toBe(1);
    expect(hold({}, 3_000)).toBe(0);
    expect(changes).toEqual([
      [3, 0],
      [2, 3],
      [1, 2],
      [0, 1],
    ]);
  });

  test('only the last level refuses tasks, and says when to come back', () => {
    const { hold, overload } = watched();
    hold({ loopLateMs: 300 }, 2_000);
    expect(overload.refusal()).toBeUndefined();
    hold({ loopLateMs: 3_000 }, 2_000);
    expect(overload.refusal()).toMatchObject({ code: 'too_many', retryAfterMs: 2_000 });
  });
});

describe('a turn’s commands', () => {
  const spec = decode(taskSpecSchema, { work: { kind: 'simulated', runMs: 1 } }, 'task');
  if (!spec.ok) throw new Error(spec.reason.message);
  const n = (at: number) => nodeId(`n${String(at)}`);
  const result = (at: number): Command => ({ kind: 'ReportResults', nodeId: n(at), results: [] });
  const beat = (at: number, running: readonly number[] = []): Command => ({
    kind: 'Heartbeat',
    nodeId: n(at),
    cpuUsedMillicores: 1,
    memoryUsedMiB: 1,
    running: running.map(token),
  });
  const submit: Command = { kind: 'SubmitTasks', specs: [spec.value], actor: 'test' };
  const act: Command = { kind: 'CancelTask', taskId: taskId(1), actor: 'test', reason: '' };

  function queue(...commands: readonly Command[]) {
    const answered: string[] = [];
    const line = new CommandQueue<string>();
    for (const command of commands)
      line.add({ command, answer: (answer) => answered.push(`${command.kind} ${answer}`) });
    const take = () => line.take().map(({ command }) => command.kind);
    return { line, take, answered };
  }

  test('results go before acts, acts before submits, submits before signs of life', () => {
    const { take } = queue(beat(1), submit, act, result(1));
    expect(take()).toEqual(['ReportResults', 'CancelTask', 'SubmitTasks', 'Heartbeat']);
  });

  test('however many results wait, operators and signs of life have a part of the turn', () => {
    const many = <Item>(count: number, make: (at: number) => Item) =>
      Array.from({ length: count }, (_, at) => make(at));
    const { take } = queue(
      ...many(5_000, result),
      ...many(300, () => act),
      ...many(5_000, () => submit),
      ...many(600, (at) => beat(at)),
    );
    const counts = (kinds: readonly string[]) => (kind: string) =>
      kinds.filter((each) => each === kind).length;
    const first = counts(take());
    expect(first('ReportResults')).toBe(commandsPerCycleMax - actsPerTurnMin - heartbeatsPerTurnMin);
    expect(first('CancelTask')).toBe(actsPerTurnMin);
    expect(first('Heartbeat')).toBe(heartbeatsPerTurnMin);
    expect(first('SubmitTasks')).toBe(0);
    const all: string[] = [];
    for (let kinds = take(); kinds.length > 0; kinds = take()) all.push(...kinds);
    expect(all.length).toBe(5_000 + 300 + 5_000 + 600 - commandsPerCycleMax); // nothing is lost
  });

  test('of a node’s signs of life the newest is kept, in its place, and both are answered', () => {
    const { line, answered } = queue(beat(1, [1]), beat(2), beat(1, [1, 2]));
    const taken = line.take();
    expect(taken.map(({ command }) => command)).toEqual([beat(1, [1, 2]), beat(2)]);
    taken[0]?.answer('ok');
    expect(answered).toEqual(['Heartbeat ok', 'Heartbeat ok']);
    expect(line.size).toBe(0);
  });

  test('people’s commands have a bound, results have none but their senders’', () => {
    const { line } = queue();
    const answer = () => undefined;
    for (let at = 0; at < pendingCommandsMax; at += 1) line.add({ command: submit, answer });
    expect(line.add({ command: act, answer })).toBe(false);
    expect(line.add({ command: result(1), answer })).toBe(true);
    expect(line.take()[0]?.command.kind).toBe('ReportResults');
  });
});

test('a host at level 3 refuses new tasks unread, and takes all else', async () => {
  const reason = { code: 'too_many', message: 'overloaded', retryAfterMs: 2_000 } as const;
  const stage = openConsole({ overload: { level: 3, refusal: () => reason } });
  const submitted = await stage.result('submitTasks', { specs: [{ no: 'task' }, {}] });
  expect(submitted).toEqual({ answers: [1, 2].map(() => ({ ok: false, refusal: reason })) });
  expect(await stage.refusal('submitWorkflow', { workflow: {} })).toEqual(reason);
  expect(stage.commands).toEqual([]);
  await stage.result('setCordon', { nodeId: 'n1', isCordoned: true });
  expect(stage.commands).toMatchObject([{ kind: 'SetCordon' }]);
});

test('a host that is behind pushes one overview a second instead of four', async () => {
  const overload = { level: 0, refusal: () => undefined };
  const stage = openConsole({ overload });
  await stage.result('watchOverview', { on: true });
  const framesOf = (ticks: number): number => {
    const before = stage.link.sent.length;
    for (let at = 0; at < ticks; at += 1) stage.tick();
    return stage.link.sent.length - before;
  };
  expect(framesOf(8)).toBe(8);
  overload.level = 1;
  expect(framesOf(8)).toBe(2);
});

test('at the last level results and signs of life reach the engine at once, output waits, and nothing is lost', async () => {
  const commands: string[] = [];
  const stored: number[] = [];
  const gate = new LogGate({ recall: () => undefined });
  const handlers = agentHandlers({
    engine: {
      execute: ({ kind }: Command) => {
        commands.push(kind);
        return Promise.resolve(accepted({}));
      },
      view: { attemptByToken: () => ({ taskId: taskId(1), record: { nodeId: nodeId('n1') } }) },
    } as never,
    history: {
      appendLog: ([piece]: readonly { offset: number; bytes: number; token: number; stream: string }[]) => {
        if (piece) stored.push(piece.offset);
        return Promise.resolve({
          offsets: piece ? [{ ...piece, offset: piece.offset + piece.bytes }] : [],
          pieces: [],
        });
      },
    } as never,
    ...{
      consoleSession: () => undefined,
      clock: () => ms(0),
      onLog: () => undefined,
      attachConsole: () => undefined,
    },
    ...{ audit: () => undefined, logGate: gate, onBug: () => undefined },
  });
  gate.shut();
  const chunk = {
    token: token(1),
    taskId: taskId(1),
    stream: 'stdout' as const,
    text: 'x'.repeat(10),
    bytes: 10,
  };
  const acked = [0, 10, 20].map((offset) => handlers.log(nodeId('n1'), { ...chunk, offset }));
  handlers.heartbeat(nodeId('n1'), [1, 1, [token(1)]]);
  expect(await handlers.results(nodeId('n1'), [])).toMatchObject({ ok: true });
  expect(commands).toEqual(['Heartbeat', 'ReportResults']);
  expect(stored).toEqual([]);
  gate.open();
  expect(await Promise.all(acked)).toEqual([10, 20, 30]);
  expect(stored).toEqual([0, 10, 20]);
});

describe('output while the host is behind', () => {
  const n1 = nodeId('n1');
  const piece = (number: number, bytes = 10) => ({ token: token(number), bytes });

  test('waits unacknowledged and goes on in its order once there is time', async () => {
    const gate = new LogGate({ recall: () => undefined });
    expect(gate.pass(n1, piece(1))).toBe(true);
    gate.shut();
    const order: number[] = [];
    const held = [1, 2, 3].map((at) => Promise.resolve(gate.pass(n1, piece(at))).then(() => order.push(at)));
    expect(gate.heldBytes).toBe(30);
    await Promise.resolve();
    expect(order).toEqual([]);
    gate.open();
    await Promise.all(held);
    expect(order).toEqual([1, 2, 3]);
    expect(gate.heldBytes).toBe(0);
  });

  test('past its bound it is turned away with all that follows it, and fetched again from its agent', async () => {
    const recalled: string[] = [];
    const gate = new LogGate({ recall: (nodeId) => recalled.push(nodeId) });
    gate.shut();
    const held = gate.pass(n1, piece(1, heldLogBytesMax));
    expect(await gate.pass(n1, piece(2))).toBe(false);
    gate.tick();
    expect(recalled).toEqual([]); // not while there is no time
    gate.open();
    expect(await held).toBe(true);
    expect(await gate.pass(n1, piece(2))).toBe(false); // a later piece would leave a gap before it
    expect(gate.pass(n1, piece(1))).toBe(true);
    gate.tick();
    expect(recalled).toEqual(['n1']);
    expect(gate.pass(n1, piece(2))).toBe(true);
  });

  test('an agent that joins anew by itself is not called back', async () => {
    const recalled: string[] = [];
    const gate = new LogGate({ recall: (nodeId) => recalled.push(nodeId) });
    gate.shut();
    void gate.pass(n1, piece(1, heldLogBytesMax));
    expect(await gate.pass(n1, piece(2))).toBe(false);
    gate.open();
    gate.joined(n1);
    gate.tick();
    expect([recalled, gate.turnedAway]).toEqual([[], 0]);
  });
});

describe('limits', () => {
  function metered() {
    let nowMs = 0;
    let used = 0;
    const alarms = new Alarms(() => ms(nowMs));
    const meters = new LimitMeters(alarms);
    meters.add(
      { name: 'nodes', limit: () => 100, used: () => used },
      { name: 'ready_window', limit: () => 100, used: () => used, isFullByDesign: true },
    );
    const hold = (count: number, forMs: number): void => {
      used = count;
      for (const endMs = nowMs + forMs; nowMs < endMs; nowMs += 1_000) meters.check(nowMs);
    };
    return { alarms, meters, hold };
  }

  test('one that is nearly reached for a while is an alarm that names it, until it is well below again', () => {
    const { alarms, hold } = metered();
    hold(95, 2_000);
    expect(alarms.rows()).toEqual([]);
    hold(95, 5_000);
    expect(alarms.rows()).toMatchObject([
      { code: 'LIMIT_NEAR', source: 'nodes', isActive: true, params: { used: 95, limit: 100, percent: 95 } },
    ]);
    hold(85, 60_000);
    expect(alarms.rows()).toMatchObject([{ isActive: true }]);
    hold(70, 32_000);
    expect(alarms.rows()).toMatchObject([{ source: 'nodes', isActive: false }]);
  });

  test('are read with what is used of them, and metered once', () => {
    const { meters, hold } = metered();
    hold(42, 1_000);
    expect(meters.read()).toEqual([
      { name: 'nodes', limit: 100, used: 42 },
      { name: 'ready_window', limit: 100, used: 42 },
    ]);
    expect(() => {
      meters.add({ name: 'nodes', limit: () => 1, used: () => 0 });
    }).toThrow('metered already');
  });
});

describe('agents that come back after a start', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  function returning() {
    vi.useFakeTimers({ now: 0 });
    const state = { agents: 0, untilMs: plantTiming.rejoinWindowMs };
    const stop = awaitReturning({
      engine: {
        rejoinUntilMs: () => state.untilMs,
        awaitAgents: (forMs) => {
          state.untilMs = Math.max(state.untilMs, Date.now() + forMs);
        },
      },
      agents: () => state.agents,
      clock: () => ms(Date.now()),
      timing: plantTiming,
    });
    onTestFinished(stop);
    const come = (perSecond: number, seconds: number): void => {
      for (let at = 0; at < seconds; at += 1) {
        state.agents += perSecond;
        vi.advanceTimersByTime(1_000);
      }
    };
    return { state, come };
  }

  test('keep the others from being given up for as long as many come, and a lease longer', () => {
    const { state, come } = returning();
    come(500, 60);
    expect(state.untilMs).toBe(60_000 + plantTiming.nodeLeaseMs);
    come(2, 10); // single ones are no storm
    expect(state.untilMs).toBe(60_000 + plantTiming.nodeLeaseMs);
    come(0, 10);
    come(500, 10); // it was over
    expect(state.untilMs).toBe(60_000 + plantTiming.nodeLeaseMs);
  });

  test('never for ever', () => {
    const { state, come } = returning();
    come(500, 600);
    const most = 8 * plantTiming.rejoinWindowMs + plantTiming.nodeLeaseMs;
    expect(state.untilMs).toBeLessThanOrEqual(most);
    expect(vi.getTimerCount()).toBe(0);
  });
});

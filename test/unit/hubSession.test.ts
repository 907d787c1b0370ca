// What a joined agent may say, what it is told, and how its connection ends.
import { afterEach, describe, expect, test } from 'vitest';
import { accepted, refusal, refused } from '../../scheduler/protocol/outcome.ts';
import { token } from '../../scheduler/protocol/brands.ts';
import { scaledTiming } from '../../scheduler/protocol/timing.ts';
import { dispatchOf, join, n1, once, openStage, sendJoin, spec, type Stage } from './hubStage.ts';

let stage: Stage;
afterEach(() => stage.close());

describe('messages', () => {
  test('heartbeats, starts and results reach the host decoded; results are acknowledged', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    agent.emit('hb', [1_500, 200, [4]]);
    agent.emit('started', [4, 5]);
    agent.emit('results', [{ token: 4, taskId: 1, end: { reason: 'exit', exitCode: 0 } }]);
    expect(await once(agent, 'resultsAck')).toEqual([4]);
    expect(stage.calls).toEqual(['join n1', 'heartbeat n1 [1500,200,[4]]', 'started n1 4,5', 'results n1 4']);
  });

  test('results are acknowledged only after the host says they are durable', async () => {
    let makeDurable = (): void => undefined;
    const durable = new Promise<void>((resolve) => {
      makeDurable = resolve;
    });
    stage = await openStage({ results: () => durable.then(() => accepted(undefined)) });
    const agent = stage.agent();
    await join(agent);
    const heard: string[] = [];
    agent.onAny((event: string) => heard.push(event));
    agent.emit('results', [{ token: 4, taskId: 1, end: { reason: 'exit', exitCode: 0 } }]);
    // A round trip after the results: were they acknowledged at once, the answer would have come before this one.
    const chunk = { token: 4, taskId: 1, stream: 'stdout', offset: 0, bytes: 2, text: 'hi' };
    agent.emit('log', chunk);
    expect(await once(agent, 'logAck')).toEqual({ token: 4, stream: 'stdout', offset: 2 });
    expect(heard).toEqual(['logAck']);
    makeDurable();
    expect(await once(agent, 'resultsAck')).toEqual([4]);
  });

  test('an agent whose results are not taken is told why and let go, so that it sends them again', async () => {
    const reason = refusal('queue_full', 'too many commands wait');
    stage = await openStage({ results: () => Promise.resolve(refused(reason)) });
    const agent = stage.agent();
    await join(agent);
    agent.emit('results', [{ token: 4, taskId: 1, end: { reason: 'exit', exitCode: 0 } }]);
    const told = once(agent, 'refused');
    expect(await once(agent, 'disconnect')).toBe('io server disconnect');
    expect(await told).toEqual(reason);
    expect(stage.calls.at(-1)).toBe('disconnected n1');
  });

  test.each([
    ['hb', [-1, 0, []], '0'],
    ['hb', [1, 0], '2'],
    ['hb', 'busy', ''],
    ['started', ['4'], '0'],
    ['results', [], ''],
    ['results', [{ token: 4, taskId: 1, end: { reason: 'tired' } }], '0.end.reason'],
    ['results', [{ token: 4, taskId: 1, end: { reason: 'exit' }, extra: 1 }], '0.extra'],
    ['log', { token: 4, taskId: 1, stream: 'stdin', offset: 0, bytes: 0, text: '' }, 'stream'],
    ['log', { token: 4, taskId: 1, stream: 'stdout', offset: 0, bytes: 99_999, text: '' }, 'bytes'],
    ['reboot', {}, undefined],
  ])('a bad %s message %j is refused, naming the field, and counted', async (event, message, field) => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    agent.emit(event, message);
    const reason = (await once(agent, 'refused')) as { message: string; field?: string };
    expect(reason).toMatchObject({ code: 'bad_message' });
    expect(reason.field).toBe(field);
    expect(reason.message).toContain(event);
    expect(stage.hub.stats().badMessages).toBe(1);
    expect(stage.calls).toEqual(['join n1']);
  });

  test('a check is answered at once with what is the node’s of what it asked', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    agent.emit('check', [4, 5, 6]);
    expect(await once(agent, 'checked')).toEqual({ asked: [4, 5, 6], mine: [4, 6] });
    expect(stage.calls).toEqual(['join n1', 'check n1 4,5,6']);
  });

  test('a check before the join, or of nothing, is refused', async () => {
    stage = await openStage();
    const agent = stage.agent();
    agent.emit('check', [4]);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'wrong_state' });
    await join(agent);
    agent.emit('check', []);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'bad_message' });
    expect(stage.calls).toEqual(['join n1']);
  });

  test('the welcome tells the times of this plant', async () => {
    stage = await openStage({}, { timing: scaledTiming(0.1) });
    const agent = stage.agent();
    expect(await join(agent)).toMatchObject({ heartbeatMs: 1_000, attemptLeaseMs: 1_900 });
  });

  test('a bad join is refused and a good one can follow', async () => {
    stage = await openStage();
    const agent = stage.agent();
    agent.emit('join', { spec: { ...spec, resources: { cpu: -4, memory: 1 } }, held: [] });
    expect(await once(agent, 'refused')).toMatchObject({ field: 'spec.resources.cpu' });
    await join(agent);
  });

  test('nothing is taken before join, and no second join', async () => {
    stage = await openStage();
    const agent = stage.agent();
    agent.emit('hb', [0, 0, []]);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'wrong_state' });
    await join(agent);
    await sendJoin(agent);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'wrong_state' });
    expect(stage.calls).toEqual(['join n1']);
  });

  test('a message with two arguments or a callback is refused', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    agent.emit('hb', [0, 0, []], () => undefined);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'bad_message' });
    agent.emit('started', [1], [2]);
    expect(await once(agent, 'refused')).toMatchObject({ code: 'bad_message' });
  });
});

describe('the end of a connection', () => {
  test('the 20th bad message closes it, and only it', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    let refusals = 0;
    agent.on('refused', () => (refusals += 1));
    for (let i = 0; i < 30; i += 1) agent.emit('hb', 'bad');
    expect(await once(agent, 'disconnect')).toBe('io server disconnect');
    expect(refusals).toBe(20);
    expect(stage.hub.stats()).toMatchObject({ agents: 0, badMessages: 20 });
    expect(stage.calls).toEqual(['join n1', 'disconnected n1']);
    expect(stage.logLines.at(-1)).toContain('20 bad messages');
    await join(stage.agent());
  });

  test('a payload above the frame limit ends it, counted and named in the log', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    agent.emit('log', { text: 'x'.repeat(300_000) });
    await once(agent, 'disconnect');
    expect(stage.logLines.join('\n')).toContain('Max payload size exceeded');
    expect(stage.hub.stats()).toMatchObject({ agents: 0, badMessages: 1 });
    expect(stage.calls).toEqual(['join n1', 'disconnected n1']);
  });

  test('a second connection with a valid key takes the place of the first, which is closed', async () => {
    stage = await openStage();
    const first = stage.agent();
    await join(first);
    const second = stage.agent();
    const firstGone = once(first, 'disconnect');
    await join(second);
    await firstGone;
    expect(stage.calls).toEqual(['join n1', 'disconnected n1', 'join n1']);
    expect(stage.hub.stats().agents).toBe(1);
    stage.hub.dispatch(n1, dispatchOf(1));
    expect(await once(second, 'run')).toHaveLength(1);
  });

  test('a join that the host refuses is told and closed, and no dispatch leaves', async () => {
    const reason = refusal('fleet_full', 'no more nodes');
    stage = await openStage({ join: () => Promise.resolve(refused(reason)) });
    const agent = stage.agent();
    const told = once(agent, 'refused');
    const ended = once(agent, 'disconnect');
    await sendJoin(agent);
    expect(await ended).toBe('io server disconnect');
    expect(await told).toEqual(reason);
    expect(stage.hub.dispatch(n1, dispatchOf(1))).toBe(false);
  });

  test('closeNode lets a node go; stopping the hub is no failure of its nodes', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    stage.hub.closeNode(n1, 'forgotten');
    await once(agent, 'disconnect');
    expect(stage.calls).toEqual(['join n1', 'disconnected n1']);
    const again = stage.agent();
    await join(again);
    const gone = once(again, 'disconnect');
    await stage.hub.close();
    await gone;
    expect(stage.calls).toEqual(['join n1', 'disconnected n1', 'join n1']);
  });
});

describe('dispatches', () => {
  test('those of one turn leave in one frame, before the stops of the turn', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    const heard: unknown[] = [];
    agent.onAny((...message: unknown[]) => heard.push(message));
    for (const number of [1, 2, 3]) stage.hub.dispatch(n1, dispatchOf(number));
    stage.hub.stop(n1, [token(9)]);
    await once(agent, 'stop');
    expect(heard).toEqual([
      ['run', [dispatchOf(1), dispatchOf(2), dispatchOf(3)]],
      ['stop', [9]],
    ]);
  });

  test('a turn with more than a frame holds is cut into frames, in order', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    const frames: { token: number }[][] = [];
    agent.on('run', (frame: { token: number }[]) => frames.push(frame));
    const numbers = Array.from({ length: 40 }, (_, i) => i + 1);
    for (const number of numbers) stage.hub.dispatch(n1, dispatchOf(number, 'ä'.repeat(10_000)));
    stage.hub.stop(n1, [token(99)]);
    await once(agent, 'stop');
    expect(frames.length).toBeGreaterThan(1);
    for (const frame of frames) expect(JSON.stringify(frame).length).toBeLessThan(256 * 1024);
    expect(frames.flat().map((dispatch) => dispatch.token)).toEqual(numbers);
  });

  test('given while the join is being made durable, they leave after the welcome', async () => {
    stage = await openStage({
      join: (id) => {
        queueMicrotask(() => stage.hub.dispatch(id, dispatchOf(1)));
        return new Promise((resolve) => setImmediate(resolve)).then(() =>
          accepted({ epoch: 7 as never, revoked: [] }),
        );
      },
    });
    const agent = stage.agent();
    const heard: string[] = [];
    agent.onAny((event: string) => heard.push(event));
    const ran = once(agent, 'run');
    await sendJoin(agent);
    await ran;
    expect(heard).toEqual(['welcome', 'run']);
  });

  test('a node takes 1,024 unconfirmed ones, and more when it confirms by starts or results', async () => {
    stage = await openStage();
    const agent = stage.agent();
    await join(agent);
    for (let i = 1; i <= 1_024; i += 1) expect(stage.hub.dispatch(n1, dispatchOf(i))).toBe(true);
    expect(stage.hub.dispatch(n1, dispatchOf(2_000))).toBe(false);
    expect(stage.hub.dispatch(n1, dispatchOf(5))).toBe(true);
    agent.emit('started', [1]);
    agent.emit('results', [{ token: 2, taskId: 2, end: { reason: 'exit', exitCode: 0 } }]);
    await once(agent, 'resultsAck');
    expect([2_001, 2_002, 2_003].map((i) => stage.hub.dispatch(n1, dispatchOf(i)))).toEqual([
      true,
      true,
      false,
    ]);
  });

  test('to a node that is not connected they are refused, and a reconnected one starts with an empty outbox', async () => {
    stage = await openStage();
    expect(stage.hub.dispatch(n1, dispatchOf(1))).toBe(false);
    const first = stage.agent();
    await join(first);
    const gone = stage.next('disconnected');
    for (let i = 1; i <= 1_024; i += 1) stage.hub.dispatch(n1, dispatchOf(i));
    first.disconnect();
    await gone;
    const second = stage.agent();
    await join(second);
    expect(stage.hub.dispatch(n1, dispatchOf(2_000))).toBe(true);
  });
});

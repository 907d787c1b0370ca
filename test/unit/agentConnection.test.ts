// How an agent behaves towards its hub: identity, repeats, refusals, lost lines, and messages that make no sense.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyFileOf } from '../../agent/credentials.ts';
import { retryDefault, retryDelayMs } from '../../agent/retryDelay.ts';
import { epoch } from '../../scheduler/protocol/brands.ts';
import { commandDispatch, until } from './support/agentHub.ts';
import { AgentStage } from './support/agentStage.ts';

let stage: AgentStage;
beforeEach(async () => {
  stage = await AgentStage.open();
});
afterEach(async () => {
  expect(stage.hub.faults).toEqual([]);
  await stage.close();
});
const startsOf = (token: number) =>
  stage.ledger.entries.filter((entry) => entry.kind === 'start' && entry.token === token).length;
/** A program that counts how often it ran, in a file. */
const counting = (more = '') => {
  const file = join(stage.dataFolder, 'count');
  return {
    dispatch: commandDispatch({ shell: true, argv: [`echo x >> ${file}; ${more}`] }),
    count: () => (existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').length : 0),
  };
};

describe('identity', () => {
  test('a pair is made before the first contact, kept for this user only, and used from then on', async () => {
    const agent = await stage.agent();
    expect(statSync(keyFileOf(stage.dataFolder)).mode & 0o777).toBe(0o600);
    await agent.stop();
    await stage.agent();
    const [first, second] = stage.hub.auths;
    expect(second).toMatchObject({ nodeId: 'PRESS-07', publicKey: first?.publicKey });
    expect(stage.hub.nodeKeys.get('PRESS-07')).toBe(first?.publicKey);
    expect(stage.hub.unproven).toEqual([]);
  });

  test('a join tells what the node is and offers', async () => {
    const more = [
      '--area',
      'A',
      '--line',
      'L',
      '--label',
      'zone=hot',
      '--cpu',
      '2500',
      '--custom',
      'welder=2',
    ];
    await stage.agent(...more);
    expect(stage.hub.joins[0]).toMatchObject({
      held: [],
      spec: {
        place: { area: 'A', line: 'L', cell: 'unplaced' },
        resources: { cpu: 2500, custom: { welder: 2 } },
        labels: { zone: 'hot' },
        kinds: ['command', 'http'],
      },
    });
  });

  test('a hub that is still recovering is asked again until it takes the agent', async () => {
    stage.hub.refuseWith = { code: 'recovering', message: 'the hub is recovering' };
    const joining = stage.agent();
    await until(
      () => stage.lines.some((line) => line.includes('the hub is recovering')),
      'the refusal is said',
    );
    stage.hub.refuseWith = undefined;
    await joining;
  });

  test('heartbeats carry measured use and the tokens that run', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ argv: ['sleep', '60'] });
    stage.hub.send('run', [dispatch]);
    await until(
      () => stage.hub.heartbeats.some(([, , tokens]) => tokens.includes(dispatch.token)),
      'it is named',
    );
    const [cpu, memory] = stage.hub.heartbeats.at(-1) ?? [0, 0];
    expect(cpu).toBeGreaterThanOrEqual(0);
    expect(memory).toBeGreaterThan(10);
  });
});

describe('exactly one run', () => {
  test('the same token dispatched twice runs once, also after its end and after a restart', async () => {
    const agent = await stage.agent();
    const { dispatch, count } = counting();
    stage.hub.send('run', [dispatch, dispatch]);
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
    stage.hub.send('run', [dispatch]);
    await agent.stop();
    await stage.agent();
    stage.hub.send('run', [dispatch]);
    const other = commandDispatch({});
    stage.hub.send('run', [other]);
    await until(() => stage.hub.resultOf(other.token) !== undefined, 'the next one ran');
    expect(count()).toBe(1);
    expect(startsOf(dispatch.token)).toBe(1);
    expect(stage.hub.results.filter(({ token }) => token === dispatch.token)).toHaveLength(1);
  });

  test('a dispatch repeated while it runs is confirmed again', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ argv: ['sleep', '60'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.started.length === 1, 'started');
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.started.length === 2, 'confirmed again');
    expect(startsOf(dispatch.token)).toBe(1);
  });

  test('a dispatch of an older epoch is refused and does not run', async () => {
    stage.hub.epoch = 5;
    await stage.agent();
    const { dispatch, count } = counting();
    stage.hub.send('run', [{ ...dispatch, epoch: 4 }]);
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
    const end = stage.hub.resultOf(dispatch.token)?.end;
    expect(end?.reason).toBe('refused');
    expect(end?.message).toContain('stale epoch');
    expect(count()).toBe(0);
  });

  test('an old epoch’s copy of an attempt that runs does not end it', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ argv: ['sleep', '60'] }, { epoch: epoch(3) });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.started.length === 1, 'started');
    stage.hub.send('run', [{ ...dispatch, epoch: 2 }]);
    await until(() => stage.hub.started.length === 2, 'confirmed again');
    expect(stage.hub.results).toEqual([]);
  });
});

describe('a lost line', () => {
  test('a result is sent again after each join until it is acknowledged', async () => {
    stage.hub.ackResults = false;
    await stage.agent();
    const dispatch = commandDispatch({ shell: true, argv: ['exit 4'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.results.length === 1, 'sent');
    stage.hub.ackResults = true;
    stage.hub.cut();
    await until(() => stage.hub.results.length === 2, 'sent again');
    expect(stage.hub.joins[1]?.held).toEqual([{ token: dispatch.token, state: 'finished' }]);
    await until(() => stage.ledger.entries.some((entry) => entry.kind === 'ack'), 'acknowledged');
    stage.hub.cut();
    await until(() => stage.hub.joins.length === 3, 'a third join');
    expect(stage.hub.joins[2]?.held).toEqual([]);
  });

  test('an attempt runs on while the line is down, and its result and output follow', async () => {
    await stage.agent();
    const gate = join(stage.dataFolder, 'gate');
    const line = `echo one; while [ ! -e ${gate} ]; do sleep 0.02; done; echo two`;
    const dispatch = commandDispatch({ shell: true, argv: [line] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'one\n', 'its first line');
    stage.hub.cut();
    writeFileSync(gate, '');
    await until(() => stage.hub.textOf(dispatch.token, 'stdout') === 'one\ntwo\n', 'all output');
    await until(() => stage.hub.resultOf(dispatch.token)?.end.exitCode === 0, 'the result');
    expect(startsOf(dispatch.token)).toBe(1);
  });

  test('output goes on from the acknowledged offset', async () => {
    stage.hub.ackLogs = false;
    await stage.agent();
    const dispatch = commandDispatch({ shell: true, argv: ['head -c 100000 /dev/zero | tr "\\0" x'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.logs.length === 4, 'a full window');
    stage.hub.send('logAck', { token: dispatch.token, stream: 'stdout', offset: 2 * 16_384 });
    await until(() => stage.hub.logs.length === 6, 'two more');
    stage.hub.ackLogs = true;
    const before = stage.hub.logs.length;
    stage.hub.cut();
    await until(() => stage.hub.textOf(dispatch.token, 'stdout').length === 100_000, 'all of it');
    expect(stage.hub.logs[before]?.offset).toBe(2 * 16_384);
  });

  test('attempts the hub takes away at a join are ended, and nothing is reported of them', async () => {
    await stage.agent();
    const dispatch = commandDispatch({ argv: ['sleep', '60'] });
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.started.length === 1, 'started');
    stage.hub.revoked = [dispatch.token];
    stage.hub.cut();
    await until(() => stage.ledger.entries.some((entry) => entry.kind === 'result'), 'ended');
    const other = commandDispatch({});
    stage.hub.send('run', [other]);
    await until(() => stage.hub.resultOf(other.token) !== undefined, 'the next one');
    expect(stage.hub.resultOf(dispatch.token)).toBeUndefined();
  });

  test('waits grow from 1 to 5 seconds, each with half of it as jitter', () => {
    const waits = [0, 1, 2, 3, 99].map((failures) => retryDelayMs(retryDefault, failures, 0.5));
    expect(waits).toEqual([1_000, 2_000, 4_000, 5_000, 5_000]);
    expect([0, 1].map((random) => retryDelayMs(retryDefault, 99, random))).toEqual([2_500, 7_500]);
  });
});

describe('messages that make no sense', () => {
  test('are said and counted, and the agent goes on', async () => {
    await stage.agent();
    const good = commandDispatch({});
    const rubbish: [string, unknown][] = [
      ['run', 'rubbish'],
      ['run', [null, { token: 'x' }, good]],
      ['run', Buffer.from('binary')],
      ['stop', { token: 1 }],
      ['stop', [-1]],
      ['resultsAck', null],
      ['logAck', { token: 1, stream: 'stdin', offset: 0 }],
      ['welcome', { epoch: 'new' }],
      ['refused', 5],
      ['logAck', { token: 77, stream: 'stdout', offset: 5 }],
      ['stop', [77]],
    ];
    for (const [event, message] of rubbish) stage.hub.send(event, message);
    await until(() => stage.hub.resultOf(good.token) !== undefined, 'the good one ran');
    const last = commandDispatch({});
    stage.hub.send('run', [last]);
    await until(() => stage.hub.resultOf(last.token)?.end.exitCode === 0, 'it goes on');
    expect(stage.lines.filter((line) => line.includes('cannot be read')).length).toBe(10);
  });

  test('work that cannot be read is refused by name, so that its task does not wait for ever', async () => {
    await stage.agent();
    const dispatch = { ...commandDispatch({}), work: { kind: 'telepathy' } };
    stage.hub.send('run', [dispatch]);
    await until(() => stage.hub.resultOf(dispatch.token) !== undefined, 'a result');
    expect(stage.hub.resultOf(dispatch.token)?.end.reason).toBe('refused');
  });
});

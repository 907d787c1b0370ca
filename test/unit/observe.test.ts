// Alarms, the log and the metrics.
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Alarms } from '../../scheduler/observe/alarms.ts';
import { openLog } from '../../scheduler/observe/log.ts';
import { Metrics } from '../../scheduler/observe/metrics.ts';
import { redact } from '../../scheduler/observe/redact.ts';
import { ms, nodeId } from '../../scheduler/protocol/brands.ts';
import type { Event } from '../../scheduler/protocol/events.ts';

function openAlarms() {
  const clock = { nowMs: 0 };
  const alarms = new Alarms(() => ms(clock.nowMs));
  const event = (kind: 'node_lost' | 'node_joined' | 'node_forgotten', ...names: string[]) => {
    const events = names.map((name) => ({ kind, nodeId: nodeId(name) }) as Event);
    alarms.onBatch({ sequence: 1, atMs: ms(clock.nowMs), events });
  };
  const listed = () => alarms.rows().map((row) => [row.source, row.params['count'], row.isActive]);
  return { clock, alarms, event, listed };
}

describe('alarms', () => {
  test('an alarm is listed until it is both cleared and acknowledged, in either order', () => {
    const { alarms } = openAlarms();
    alarms.raise({ code: 'STORAGE_FAILED', source: 'journal' });
    alarms.raise({ code: 'FLEET_FULL', source: 'hub' });
    expect(alarms.rows().map((row) => [row.code, row.priority, row.alarmId])).toEqual([
      ['STORAGE_FAILED', 1, 1],
      ['FLEET_FULL', 2, 2],
    ]);
    alarms.clear('FLEET_FULL', 'hub');
    expect(alarms.rows()).toHaveLength(2);
    expect(alarms.acknowledge(2).ok).toBe(true);
    expect(alarms.acknowledge(1).ok).toBe(true);
    expect(alarms.rows()).toMatchObject([{ code: 'STORAGE_FAILED', isActive: true, isAcknowledged: true }]);
    alarms.clear('STORAGE_FAILED', 'journal');
    expect(alarms.rows()).toEqual([]);
    expect(alarms.acknowledge(1)).toMatchObject({ ok: false, reason: { code: 'wrong_state' } });
  });

  test('raised again while active it stays one alarm; after it was cleared it is a new one', () => {
    const { alarms } = openAlarms();
    alarms.raise({ code: 'FLEET_FULL', source: 'hub', params: { refused: 1 } });
    alarms.raise({ code: 'FLEET_FULL', source: 'hub', params: { refused: 2 } });
    expect(alarms.rows()).toMatchObject([{ alarmId: 1, params: { refused: 2 } }]);
    alarms.clear('FLEET_FULL', 'hub');
    alarms.raise({ code: 'FLEET_FULL', source: 'hub' });
    expect(alarms.rows()).toMatchObject([{ alarmId: 2, isActive: true }]);
  });

  test('a node that is set aside is an alarm until an operator opens it', () => {
    const { alarms } = openAlarms();
    const take = (event: Event) => {
      alarms.onBatch({ sequence: 1, atMs: ms(0), events: [event] });
    };
    const node = nodeId('a');
    take({ kind: 'node_set_aside', nodeId: node, reason: '5 tasks that run elsewhere failed on it' });
    const [row] = alarms.rows();
    expect(row).toMatchObject({ code: 'NODE_SET_ASIDE', source: 'a', isActive: true });
    expect(row?.params['message']).toBe('5 tasks that run elsewhere failed on it');
    take({ kind: 'node_cordon_set', nodeId: node, isCordoned: true, actor: 'ann' });
    expect(alarms.rows()).toMatchObject([{ isActive: true }]);
    take({ kind: 'node_cordon_set', nodeId: node, isCordoned: false, actor: 'ann' });
    expect(alarms.rows()).toMatchObject([{ isActive: false }]);
  });

  test('up to three lost nodes in a minute are an alarm each, cleared when the node is back', () => {
    const { event, listed, clock } = openAlarms();
    event('node_lost', 'a', 'b', 'c');
    clock.nowMs = 60_000;
    event('node_lost', 'd');
    expect(listed()).toEqual(['d', 'c', 'b', 'a'].map((name) => [name, 1, true]));
    event('node_joined', 'a');
    expect(listed().at(-1)).toEqual(['a', 1, false]);
  });

  test('the fourth within a minute makes them one alarm with a count, which follows those that come back', () => {
    const { alarms, event, listed, clock } = openAlarms();
    event('node_lost', 'a', 'b', 'c');
    clock.nowMs = 59_000;
    event('node_lost', 'd');
    expect(listed()).toEqual([['fleet', 4, true]]);
    expect(alarms.rows()[0]?.priority).toBe(2);
    event('node_joined', 'a');
    event('node_forgotten', 'b');
    expect(listed()).toEqual([['fleet', 2, true]]);
    event('node_joined', 'c', 'd');
    expect(listed()).toEqual([['fleet', 2, false].with(1, 1)]);
  });

  test('a group that grows asks to be acknowledged again; a minute after it grew, a lost node is one again', () => {
    const { alarms, event, listed, clock } = openAlarms();
    event('node_lost', 'a', 'b', 'c', 'd');
    alarms.acknowledge(alarms.rows()[0]?.alarmId ?? 0);
    event('node_joined', 'a');
    expect(alarms.rows()[0]?.isAcknowledged).toBe(true);
    clock.nowMs = 30_000;
    event('node_lost', 'e');
    expect(alarms.rows()).toMatchObject([{ params: { count: 4 }, isAcknowledged: false }]);
    clock.nowMs = 90_000;
    event('node_lost', 'f');
    expect(listed()).toEqual([
      ['fleet', 4, true],
      ['f', 1, true],
    ]);
  });

  test('50,000 nodes lost at once are one alarm, and never more than 500 alarms are listed', () => {
    const { alarms, event, clock } = openAlarms();
    event('node_lost', ...Array.from({ length: 50_000 }, (_, i) => `n${i}`));
    expect(alarms.rows()).toMatchObject([{ params: { count: 50_000 } }]);
    for (let i = 0; i < 600; i += 1) {
      clock.nowMs += 60_000;
      event('node_lost', `late${i}`);
    }
    expect(alarms.rows()).toHaveLength(500);
    expect(alarms.rows()[0]?.source).toBe('fleet');
  });
});

describe('the log', () => {
  const lines: string[] = [];
  const open = (path?: string) =>
    openLog({
      level: 'info',
      component: 'host',
      clock: () => 0,
      write: (line) => lines.push(line),
      ...(path !== undefined && { path }),
    });

  test('writes one JSON object per line, without secrets and without what is below the level', () => {
    lines.length = 0;
    const { log } = open();
    log('debug', 'not written');
    log('warn', 'agent refused', {
      nodeKey: 'abc',
      token: 5,
      nested: { enrolToken: 'x' },
      reason: 'two\nlines',
    });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      {
        at: '1970-01-01T00:00:00.000Z',
        level: 'warn',
        component: 'host',
        message: 'agent refused',
        nodeKey: '[redacted]',
        token: 5,
        nested: { enrolToken: '[redacted]' },
        reason: 'two\nlines',
      },
    ]);
    expect(lines[0]?.trimEnd()).not.toContain('\n');
  });

  test('what looks like a key is taken out wherever it stands, and errors keep their stack', () => {
    const key = 'A'.repeat(43);
    expect(redact({ text: `connect with ${key} now`, list: [key] })).toEqual({
      text: 'connect with [redacted] now',
      list: ['[redacted]'],
    });
    expect(redact({ error: new Error('broken') })).toMatchObject({
      error: expect.stringContaining('broken') as string,
    });
  });

  test('goes to a file of the owner, which is renamed when it has grown, 50 MiB in all', () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'));
    const path = join(folder, 'logs', 'host.log');
    const { log, close } = open(path);
    log('info', 'first');
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ message: 'first' });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const fields = Object.fromEntries(Array.from({ length: 1_200 }, (_, i) => [`f${i}`, 'x '.repeat(999)]));
    for (let i = 0; i < 34; i += 1) log('info', 'big', fields);
    close();
    const sizes = readdirSync(join(folder, 'logs')).map((name) => statSync(join(folder, 'logs', name)).size);
    expect(sizes.length).toBeGreaterThan(4);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(50 * 1024 * 1024);
    for (const size of sizes) expect(size).toBeLessThanOrEqual(10 * 1024 * 1024);
    rmSync(folder, { recursive: true });
  });
});

describe('metrics', () => {
  test('are exposed as Prometheus text', () => {
    const metrics = new Metrics();
    metrics.counter('millrace_messages_total', 'Messages', { kind: 'hb' }).add(2);
    metrics.counter('millrace_messages_total', 'Messages', { kind: 'a"b' }).add();
    metrics.gauge('millrace_agents', 'Agents\nconnected', () => 7);
    metrics.each({ name: 'millrace_limit', kind: 'gauge', help: 'Limits', labelNames: ['limit'] }, () => [
      { labels: { limit: 'nodes' }, value: 5 },
      { labels: { limit: 'sockets' }, value: 9 },
    ]);
    const latency = metrics.histogram('millrace_dispatch_seconds', 'Dispatch', [1, 5]);
    for (const value of [0.5, 1, 3, 100]) latency.observe(value);
    expect(metrics.text().split('\n')).toEqual([
      '# HELP millrace_messages_total Messages',
      '# TYPE millrace_messages_total counter',
      'millrace_messages_total{kind="hb"} 2',
      'millrace_messages_total{kind="a\\"b"} 1',
      '# HELP millrace_agents Agents\\nconnected',
      '# TYPE millrace_agents gauge',
      'millrace_agents 7',
      '# HELP millrace_limit Limits',
      '# TYPE millrace_limit gauge',
      'millrace_limit{limit="nodes"} 5',
      'millrace_limit{limit="sockets"} 9',
      '# HELP millrace_dispatch_seconds Dispatch',
      '# TYPE millrace_dispatch_seconds histogram',
      'millrace_dispatch_seconds_bucket{le="1"} 2',
      'millrace_dispatch_seconds_bucket{le="5"} 3',
      'millrace_dispatch_seconds_bucket{le="+Inf"} 4',
      'millrace_dispatch_seconds_sum 104.5',
      'millrace_dispatch_seconds_count 4',
      '',
    ]);
  });

  test('the same series twice, or another kind under one name, is a bug', () => {
    const metrics = new Metrics();
    metrics.counter('a_total', 'A');
    expect(() => metrics.counter('a_total', 'A')).toThrow('exists already');
    expect(() => {
      metrics.gauge('a_total', 'A', () => 1);
    }).toThrow('counters end in _total');
    expect(() => metrics.counter('A total', 'A')).toThrow('no metric name');
  });
});

// How batches become a row and back.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  chainStart,
  checksum,
  decodeGroup,
  encodeBatch,
  faultOfRow,
  joinGroup,
  seal,
  type StoredRow,
} from '../../scheduler/journal/record.ts';
import { ms, nodeId, taskId } from '../../scheduler/protocol/brands.ts';
import type { Batch, Event } from '../../scheduler/protocol/events.ts';

const anyText = fc.string({ unit: 'binary' });
const anyEvent: fc.Arbitrary<Event> = fc.oneof(
  fc.record({
    kind: fc.constant('task_dead_lettered' as const),
    taskId: fc.maxSafeNat().map(taskId),
    reason: anyText,
  }),
  fc.record({ kind: fc.constant('node_enrolled' as const), nodeId: anyText.map(nodeId), key: anyText }),
  fc.record({
    kind: fc.constant('epoch_started' as const),
    epoch: fc.maxSafeNat() as fc.Arbitrary<never>,
    seed: fc.double({ noNaN: true, noDefaultInfinity: true }).map((seed) => (seed === 0 ? 0 : seed)),
  }),
);
const anyRun: fc.Arbitrary<Batch[]> = fc
  .tuple(fc.nat(), fc.array(fc.tuple(fc.maxSafeNat(), fc.array(anyEvent)), { minLength: 1 }))
  .map(([first, groups]) =>
    groups.map(([atMs, events], place) => ({ sequence: first + place, atMs: ms(atMs), events })),
  );

const payloadOf = (batches: readonly Batch[]): string => {
  const range = { first: batches[0]?.sequence ?? 0, last: batches.at(-1)?.sequence ?? 0 };
  return joinGroup(batches.map(encodeBatch), range);
};
function rowOf(payload: string, more: Partial<StoredRow> = {}): StoredRow {
  const bytes = Buffer.from(payload);
  return { id: 1, first: 1, last: 1, payload: bytes, ...seal(bytes, chainStart), ...more };
}

describe('a row', () => {
  test('gives back exactly the batches it was made of, through bytes', () => {
    fc.assert(
      fc.property(anyRun, (batches) => {
        const decoded = decodeGroup(Buffer.from(payloadOf(batches)).toString('utf8'));
        expect(decoded).toEqual({ ok: true, value: batches });
      }),
      { numRuns: 200 },
    );
  });

  test('keeps names that objects treat specially', () => {
    const labels = JSON.parse('{"__proto__":"a","constructor":"b"}') as Record<string, string>;
    const event = { kind: 'node_joined', nodeId: nodeId('n'), spec: { labels } } as unknown as Event;
    const decoded = decodeGroup(payloadOf([{ sequence: 1, atMs: ms(1), events: [event] }]));
    expect(decoded.ok && JSON.stringify(decoded.value[0]?.events[0])).toBe(JSON.stringify(event));
  });

  test('of another format is refused by name', () => {
    expect(decodeGroup('4 1 1\n[]')).toEqual({
      ok: false,
      reason: 'the payload has format 4, and this Millrace reads formats 1 to 3',
    });
  });

  test('whose batches are not those that its header names is refused', () => {
    for (const payload of [
      '1 1 2\n[[1,0,[]]]',
      '1 1 2\n[[1,0,[]],[3,0,[]]]',
      '1 1 1\n[[2,0,[]]]',
      'no header',
    ])
      expect(decodeGroup(payload).ok).toBe(false);
  });

  test('is good only with its own bytes, numbers and the row before it', () => {
    const payload = '1 1 1\n[[1,0,[]]]';
    expect(faultOfRow(rowOf(payload), chainStart)).toBeUndefined();
    expect(faultOfRow(rowOf(payload, { crc: 5 }), chainStart)?.message).toContain('checksum');
    expect(faultOfRow(rowOf(payload, { last: 2 }), chainStart)?.message).toContain('numbers');
    expect(faultOfRow(rowOf(payload), new Uint8Array(32).fill(1))?.message).toContain('does not follow');
    expect(faultOfRow(rowOf('9 1 1\nx'), chainStart)?.kind).toBe('newer');
    expect(faultOfRow(rowOf('nothing'), chainStart)?.kind).toBe('damaged');
  });

  test('is torn only where neither of its seals fits: otherwise it was written whole, and changed since', () => {
    const payload = '1 1 1\n[[1,0,[]]]';
    const kindOf = (more: Partial<StoredRow>) => faultOfRow(rowOf(payload, more), chainStart)?.kind;
    expect(kindOf({ payload: Buffer.from('1 1 1\n[[1,0') })).toBe('torn');
    expect(kindOf({ crc: 5 })).toBe('damaged');
    expect(kindOf({ first: 2 })).toBe('damaged');
    expect(kindOf({ chain: new Uint8Array(32) })).toBe('chain');
  });
});

describe('an event of format 1', () => {
  const decoded = (event: object) => {
    const group = decodeGroup(`1 1 1\n[[1,5,[${JSON.stringify(event)}]]]`);
    if (!group.ok) throw new Error(group.reason);
    return group.value[0]?.events[0];
  };

  test('that brings a task gets the tenant that everybody had then', () => {
    const spec = { name: 'press', queue: 'q' };
    expect(decoded({ kind: 'task_admitted', taskId: 7, spec, submitter: 'a' })).toEqual({
      kind: 'task_admitted',
      taskId: 7,
      spec: { ...spec, tenant: 'default' },
      submitter: 'a',
    });
    expect(decoded({ kind: 'task_requeued', record: { taskId: 7, spec }, actor: 'a' })).toEqual({
      kind: 'task_requeued',
      record: { taskId: 7, spec: { ...spec, tenant: 'default' } },
      actor: 'a',
    });
  });

  test('that brings none stays as it is', () => {
    const event = { kind: 'task_succeeded', taskId: 7 };
    expect(decoded(event)).toEqual(event);
  });
});

test('the checksum is CRC-32C, and can be continued over parts', () => {
  const check = Buffer.from('123456789');
  expect(checksum(check)).toBe(0xe3069283); // the check value of the catalogue of CRC algorithms
  expect(checksum(check.subarray(4), checksum(check.subarray(0, 4)))).toBe(0xe3069283);
});

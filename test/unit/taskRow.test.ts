// The row of a task, from its record.
import * as v from 'valibot';
import { expect, test } from 'vitest';
import { ms, nodeId, taskId, token } from '../../scheduler/protocol/brands.ts';
import { type TaskRecord, taskSpecSchema } from '../../scheduler/protocol/task.ts';
import { rowOfRecord, searchTextOf } from '../../scheduler/protocol/taskRow.ts';

const spec = v.parse(taskSpecSchema, {
  name: 'Weld',
  work: { kind: 'command', argv: ['/bin/weld', '--Seam', 'A'] },
  labels: { Cell: 'C3' },
});
const fresh: TaskRecord = {
  taskId: taskId(7),
  spec,
  submitter: 'anna',
  state: 'ready',
  submittedAtMs: ms(100),
  attempts: [],
};

test('a task without attempts has no node, no start and attempt 0', () => {
  expect(rowOfRecord(fresh, 'backlog')).toEqual({
    taskId: 7,
    name: 'Weld',
    kind: 'command',
    queue: 'default',
    tenant: 'default',
    priority: 5,
    state: 'ready',
    waiting: 'backlog',
    attempt: 0,
    attemptsMax: 3,
    submitter: 'anna',
    submittedAtMs: 100,
    labels: { Cell: 'C3' },
  });
});

test('node, start and exit code are those of the newest attempt', () => {
  const attempt = { placedAtMs: ms(1), startedAtMs: ms(2), end: { reason: 'exit', exitCode: 9 } } as const;
  const record: TaskRecord = {
    ...fresh,
    state: 'dead_letter',
    endedAtMs: ms(900),
    reason: 'attempts spent',
    attempts: [
      { ...attempt, attempt: 1, token: token(1), nodeId: nodeId('A') },
      { ...attempt, attempt: 2, token: token(2), nodeId: nodeId('B'), startedAtMs: ms(300) },
    ],
  };
  expect(rowOfRecord(record, 'none')).toMatchObject({
    attempt: 2,
    nodeId: 'B',
    startedAtMs: 300,
    exitCode: 9,
    endedAtMs: 900,
    reason: 'attempts spent',
  });
});

test('a text filter looks into name, program line and labels, in lower case', () => {
  expect(searchTextOf(spec)).toBe('weld /bin/weld --seam a cell=c3');
});

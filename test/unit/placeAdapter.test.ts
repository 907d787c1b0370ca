// The program that lets a measuring tool ask the real core: its lines in and out, and how it ends on a bad one.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const program = join(import.meta.dirname, '../../scheduler/adapters/place.ts');

function place(lines: readonly object[], words: readonly string[] = ['--stdio', 'openb']) {
  const input = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...words], {
    input,
    encoding: 'utf8',
  });
  const answers = stdout.split('\n').filter((line) => line !== '');
  return { status, stderr, answers: answers.map((line): unknown => JSON.parse(line)) };
}

const nodes = [
  { id: 70, name: 'b', cpu: 8_000, mem: 32_768, gpus: 2, model: 'T4' },
  { id: 3, name: 'a', cpu: 16_000, mem: 65_536, gpus: 1, model: 'A10' },
];
const history = [{ cpu: 1_000, mem: 1_024, gpus: 1, milli: 500, spec: [] }];
const init = { type: 'init', nodes, history };
const pod = (seq: number, fields: object) => ({
  type: 'pod',
  pod: { seq, name: `p${String(seq)}`, cpu: 1_000, mem: 1_024, gpus: 0, milli: 0, spec: [], ...fields },
});

describe('place --stdio openb', () => {
  test('answers every pod with the id of a node and its devices, or -1, and goes on after that', () => {
    const { status, answers, stderr } = place([
      init,
      pod(0, { gpus: 2, milli: 1_000 }),
      pod(1, { gpus: 1, milli: 1_000, spec: ['T4', 'V100'] }),
      pod(2, { gpus: 1, milli: 600, spec: ['A10'] }),
      pod(3, { gpus: 1, milli: 600 }),
      pod(4, { gpus: 1, milli: 400 }),
      pod(5, { cpu: 14_000 }),
    ]);
    expect(stderr).toBe('');
    expect(answers).toEqual([
      { node: 70, gpus: [0, 1] },
      { node: -1 }, // both T4 are taken
      { node: 3, gpus: [0] },
      { node: -1 },
      { node: 3, gpus: [0] },
      { node: 3, gpus: [] },
    ]);
    expect(status).toBe(0);
  });

  test.each([['fgd'], ['bestFit'], ['spread']])('policy %s answers too', (policy) => {
    const { answers } = place(
      [init, pod(0, { gpus: 2, milli: 1_000 })],
      ['--stdio', 'openb', '--policy', policy],
    );
    expect(answers).toEqual([{ node: 70, gpus: [0, 1] }]);
  });

  test.each([
    ['a pod before init', [pod(0, {})], ['--stdio', 'openb'], 'before init'],
    [
      'a part of several devices',
      [init, pod(0, { gpus: 2, milli: 500 })],
      ['--stdio', 'openb'],
      'devices: 1',
    ],
    ['no such format', [], ['--stdio', 'other'], '--stdio other: no such format'],
    ['no such policy', [], ['--stdio', 'openb', '--policy', 'toString'], '--policy toString: no such policy'],
  ])('%s ends it with a reason', (_what, lines, words, reason) => {
    const { status, stderr } = place(lines, words);
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
  });
});

describe('place --stdio swf', () => {
  const words = ['--stdio', 'swf'];
  const submit = (t: number, id: number, procs: number, reqTime: number) => ({
    type: 'submit',
    t,
    job: { id, submit: t, procs, reqTime, user: 1, group: 1, exe: -1, queue: 0, part: -1 },
  });
  const schedule = (t: number, free: number) => ({ type: 'schedule', t, free });
  const end = (t: number, id: number) => ({ type: 'end', t, id });
  const machine = { type: 'init', procs: 256 };

  test('starts what fits, fills in what does not delay the first that waits, and lives through days', () => {
    const day = 86_400;
    const { status, answers, stderr } = place(
      [
        machine,
        submit(0, 1, 200, 10 * day),
        schedule(0, 256),
        submit(5, 2, 256, 3_600),
        submit(5, 3, 8, 11 * day),
        submit(5, 4, 8, 9 * day),
        schedule(5, 56),
        end(9 * day + 5, 4),
        schedule(9 * day + 5, 56),
        end(10 * day, 1),
        schedule(10 * day, 256),
      ],
      words,
    );
    expect(stderr).toBe('');
    expect(answers).toEqual([{ start: [1] }, { start: [4] }, { start: [] }, { start: [2] }]);
    expect(status).toBe(0);
  });

  test('the order and what is kept can be chosen', () => {
    const lines = [
      machine,
      submit(0, 1, 200, 1_000),
      schedule(0, 256),
      submit(5, 2, 256, 3_600),
      submit(5, 3, 56, 5_000),
      schedule(5, 56),
    ];
    expect(place(lines, [...words, '--backfill', 'off']).answers).toEqual([{ start: [1] }, { start: [3] }]);
    expect(place(lines, [...words, '--order', 'arrival']).answers).toEqual([{ start: [1] }, { start: [] }]);
  });

  test.each([
    ['a job before init', [submit(0, 1, 1, 1)], 'submit came before init'],
    ['an end of nothing', [machine, end(0, 7)], 'job 7 ended, and it was not running'],
    [
      'a wrong count of free processors',
      [machine, schedule(0, 255)],
      '255 processors should be free, not 256',
    ],
  ])('%s ends it with a reason', (_what, lines, reason) => {
    const { status, stderr } = place(lines, words);
    expect(status).toBe(1);
    expect(stderr).toContain(reason);
  });
});

describe('place --stdio chunks', () => {
  const words = ['--stdio', 'chunks'];
  const plant = {
    type: 'init',
    nodes: [
      { id: 10, name: 'a', cluster: 'x', cpu: 4, memMiB: 4_096 },
      { id: 11, name: 'b', cluster: 'y', cpu: 8, memMiB: 4_096 },
    ],
  };
  const submit = (id: number, fields: object) => ({
    type: 'submit',
    t: 0,
    job: { id, submit: 0, reqTime: 100, chunks: 1, ppn: 1, memMiB: 1, cluster: '', excl: false, ...fields },
  });
  const schedule = (t: number) => ({ type: 'schedule', t });

  test('all chunks of a job start together, on nodes of its cluster, and end together', () => {
    const { status, answers, stderr } = place(
      [
        plant,
        submit(1, { chunks: 3, ppn: 4 }),
        schedule(0),
        submit(2, { chunks: 2, ppn: 4, cluster: 'y' }),
        schedule(1),
        { type: 'end', t: 90, id: 1 },
        schedule(90),
      ],
      words,
    );
    expect(stderr).toBe('');
    const nodes = (answer: unknown) =>
      (answer as { start: { id: number; nodes: number[] }[] }).start.map((one) => ({
        id: one.id,
        nodes: [...one.nodes].sort((a, b) => a - b),
      }));
    expect(answers.map(nodes)).toEqual([[{ id: 1, nodes: [0, 1, 1] }], [], [{ id: 2, nodes: [1, 1] }]]);
    expect(status).toBe(0);
  });

  test('a job may have its nodes alone', () => {
    const { answers } = place(
      [plant, submit(1, { cluster: 'x' }), schedule(0), submit(2, { cluster: 'x', excl: true }), schedule(1)],
      words,
    );
    expect(answers).toEqual([{ start: [{ id: 1, nodes: [0] }] }, { start: [] }]);
  });
});

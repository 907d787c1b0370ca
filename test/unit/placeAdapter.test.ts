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

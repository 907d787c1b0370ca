// Text of others on its way to people: markup is text, and what would move a cursor or turn a line is shown by name.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { harmlessParams } from '../../renderer/alarm/alarmText.ts';
import { createLogLines } from '../../renderer/tasks/logLines.ts';
import { shownText } from '../../renderer/tasks/logSearch.ts';
import { taskCellTexts, taskCellTitles } from '../../renderer/tasks/taskCellText.ts';
import { taskFacts } from '../../renderer/tasks/taskFacts.ts';
import { runCommandLine } from '../../scheduler/api/cli.ts';
import { harmless, harmlessJson } from '../../scheduler/api/commands/harmless.ts';
import { ms, token } from '../../scheduler/protocol/brands.ts';

const markup = '<img src=x onerror=alert(1)>';
/** Clears the screen, sets the title, turns the line, goes back to its start, and rings. */
const hostile = '\u001b[2J\u001b]0;owned\u0007\u202egnp.exe\r\u0007\u009b31m\u200b';
/** Anything that a terminal or a screen would act on. */
const active = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

describe('on screens', () => {
  test('every field of others is made visible', () => {
    const label = { line: hostile, ok: `${markup}\nqueue = press` };
    const spec = {
      ...{ queue: 'q', tenant: 't', priority: 5, selector: {}, tolerations: [], labels: label, key: hostile },
      ...{ ask: { cpu: 1, memory: 1, slots: 1, custom: {} }, timeoutMs: 1, graceMs: 1, delivery: 'once' },
      ...{
        retry: { attemptsMax: 1 },
        work: { kind: 'command', argv: ['x'], shell: false, env: { A: hostile } },
      },
    };
    for (const { text } of taskFacts(spec as never)) expect(text).not.toMatch(active);
    const labels = taskFacts(spec as never).find(({ id }) => id === 'labels')?.text ?? '';
    // A line feed of a value is not a row of its own, and markup stays text.
    expect(labels.split('\n')).toHaveLength(2);
    expect(labels).toContain(markup);
  });

  test('alarms, with what they quote', () => {
    const params = harmlessParams({ message: hostile, count: 3, folder: markup });
    expect(String(params['message'])).not.toMatch(active);
    expect(params).toMatchObject({ count: 3, folder: markup });
  });

  test('a line of a megabyte is cut on screen, and shows what it hides', () => {
    const lines = createLogLines();
    const piece = { token: token(1), piece: 1, stream: 'stdout', offset: 0, atMs: ms(1) } as const;
    lines.take([{ ...piece, text: `${hostile}${'x'.repeat(1024 * 1024)}\n${markup}\n` }]);
    const shown = shownText(lines.lineAt(0)?.text ?? '');
    expect(shown).not.toMatch(active);
    expect(shown.length).toBeLessThan(2_100);
    expect(shown).toContain('<U+202E>');
    expect(shownText(lines.lineAt(1)?.text ?? '')).toBe(markup);
  });

  test('a task’s name and reason in the table', () => {
    const row = { taskId: 1, name: hostile, reason: hostile, state: 'ready', queue: 'q', submittedAtMs: 1 };
    const told = (key: string): string => key;
    const cells = {
      ...taskCellTexts(row as never, 2, 'utc', told),
      ...taskCellTitles(row as never, 'utc'),
    };
    expect(cells['name']).toContain('<U+202E>');
    for (const text of Object.values(cells)) expect(text ?? '').not.toMatch(active);
  });

  test('no component makes markup of a text', () => {
    const files = execFileSync('git', ['ls-files', 'renderer']).toString().split('\n');
    const sources = files.filter((path) => /\.(vue|ts)$/.test(path));
    expect(sources.length).toBeGreaterThan(100);
    const unsafe = /v-html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\bv-bind:is|DOMParser/;
    expect(sources.filter((path) => unsafe.test(readFileSync(path, 'utf8')))).toEqual([]);
  });
});

describe('in a terminal', () => {
  test('nothing acts, and all of it can be seen', () => {
    expect(harmless(`a\tb\n${hostile}`)).toBe(
      'a\tb\n\u241b[2J\u241b]0;owned\u2407<U+202E>gnp.exe\u240d\u2407<U+009B>31m<U+200B>',
    );
    expect(harmless('windows\r\n')).toBe('windows\r\n');
  });

  test('JSON stays the same value', () => {
    const value = { name: hostile, markup };
    const json = harmlessJson(`${JSON.stringify(value)}\n`);
    expect(json.trimEnd()).not.toMatch(active);
    expect(JSON.parse(json)).toEqual(value);
  });

  test('the command line lets nothing through, whichever command speaks', async () => {
    let text = '';
    const write = (more: string): void => {
      text += more;
    };
    const terminal = { out: write, say: write, input: (async function* () {})(), environment: {} };
    await runCommandLine([hostile], terminal);
    expect(text).toContain('there is no command');
    expect(text.replaceAll('\n', '')).not.toMatch(active);
  });
});

// Durations, command lines, and text from programs, as the console shows them.
import { describe, expect, test } from 'vitest';
import { joinCommandLine, splitCommandLine } from '../../renderer/format/commandLine.ts';
import { formatAge, formatDuration } from '../../renderer/format/duration.ts';
import { plainText } from '../../renderer/format/plainText.ts';
import { formatPercent, formatRate } from '../../renderer/format/quantity.ts';

describe('durations', () => {
  test.each([
    [0, '<1 ms'],
    [0.0412, '0.0412 ms'],
    [0.61, '0.610 ms'],
    [3.84, '3.84 ms'],
    [412, '412 ms'],
    [999.4, '999 ms'],
    [999.6, '1.00 s'],
    [7_500, '7.50 s'],
    [59_949, '59.9 s'],
    [59_951, '1 m 00 s'],
    [245_000, '4 m 05 s'],
    [11_520_000, '3 h 12 m'],
    [187_200_000, '2 d 4 h'],
  ])('%d ms reads %s', (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
  test('an age is no finer than a tenth of a second', () => {
    expect(formatAge(214)).toBe('0.2 s');
    expect(formatAge(120_000)).toBe('2 m 00 s');
  });
  test('small shares are not rounded to nothing', () => {
    expect(formatPercent(0.0007)).toBe('0.0007');
    expect(formatPercent(0.000_01)).toBe('<0.0001');
    expect(formatRate(12_420)).toBe('12.4 k');
  });
});

describe('command lines', () => {
  test.each([
    ['a b  c', ['a', 'b', 'c']],
    [`python3 -c 'print(1, "x")'`, ['python3', '-c', 'print(1, "x")']],
    [`a "two words" ""`, ['a', 'two words', '']],
    [`--x="a b"c`, ['--x=a bc']],
    [`"say \\"hi\\" \\\\ \\n"`, ['say "hi" \\ \\n']],
    ['a\\ b', ['a b']],
    ['echo $HOME | cat > x; *', ['echo', '$HOME', '|', 'cat', '>', 'x;', '*']],
  ])('%s', (line, argv) => {
    expect(splitCommandLine(line)).toEqual({ ok: true, argv });
  });
  test.each([
    [`a 'b`, 'single'],
    [`a "b`, 'double'],
    ['a \\', 'backslash'],
  ])('%s is not finished', (line, open) => {
    expect(splitCommandLine(line)).toEqual({ ok: false, open });
  });
  test('what was joined splits into the same arguments', () => {
    const argv = ['plain', 'two words', '', `it's`, 'back\\slash', '"quoted"', `both ' and "`];
    expect(splitCommandLine(joinCommandLine(argv))).toEqual({ ok: true, argv });
  });
});

describe('text from programs', () => {
  test('escape sequences of terminals go', () => {
    expect(plainText('\u001b[31mred\u001b[0m \u001b]0;title\u0007done')).toBe('red done');
  });
  test('control characters become visible', () => {
    expect(plainText('a\u0007b\u0000c\rd')).toBe('a␇b␀c␍d');
  });
  test('marks that turn or hide text are named', () => {
    expect(plainText('x\u202egnp.exe\u200b')).toBe('x<U+202E>gnp.exe<U+200B>');
  });
  test('tabs and other alphabets stay', () => {
    expect(plainText('a\tb 温度 32 °C')).toBe('a\tb 温度 32 °C');
  });
});

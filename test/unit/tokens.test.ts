// TK-1 to TK-4: contrast of the token pairs in every theme, and colours nowhere but in the token file.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../renderer');
const tokens = readFileSync(join(folder, 'styles/tokens.css'), 'utf8');
const themes = ['night', 'day', 'hc'] as const;
type Theme = (typeof themes)[number];

function colour(theme: Theme, name: string): string {
  const block = new RegExp(`\\[data-theme='${theme}'\\] \\{([^}]*)\\}`).exec(tokens)?.[1] ?? '';
  const value = new RegExp(`--${name}: ([^;]+);`).exec(block)?.[1] ?? '';
  const reference = /^var\(--([\w-]+)\)$/.exec(value)?.[1];
  return reference === undefined ? value : colour(theme, reference);
}
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(theme: Theme, front: string, back: string): number {
  const [light = 0, dark = 0] = [colour(theme, front), colour(theme, back)]
    .map(luminance)
    .sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}
function tooLow(theme: Theme, least: number, pairs: readonly (readonly [string, string])[]): string[] {
  return pairs
    .map(([front, back]) => ({ front, back, ratio: contrast(theme, front, back) }))
    .filter(({ ratio }) => !(ratio >= least))
    .map(({ front, back, ratio }) => `${front} on ${back}: ${ratio.toFixed(2)}`);
}
const grounds = ['bg-app', 'bg-surface', 'bg-raised', 'bg-inset', 'bg-hover', 'bg-selected'];
const on = (fronts: readonly string[], backs: readonly string[]) =>
  fronts.flatMap((front) => backs.map((back) => [front, back] as const));

describe.each(themes)('theme %s', (theme) => {
  test('TK-1 text is readable on every ground that it may sit on', () => {
    expect(tooLow(theme, 4.5, on(['text-1', 'text-2'], grounds))).toEqual([]);
    expect(tooLow(theme, 4.5, on(['text-3'], ['bg-app', 'bg-surface', 'bg-raised', 'bg-inset']))).toEqual([]);
    expect(tooLow(theme, 4.5, on(['accent'], ['bg-surface', 'bg-raised']))).toEqual([]);
    expect(
      tooLow(theme, 4.5, [
        ['on-accent', 'accent'],
        ['on-accent', 'accent-strong'],
      ]),
    ).toEqual([]);
  });
  test('TK-1 edges of controls, focus and the marks of alarms stand out', () => {
    expect(tooLow(theme, 3, on(['border-control', 'focus'], ['bg-surface', 'bg-raised']))).toEqual([]);
    for (const digit of ['1', '2', '3', '4']) {
      expect(tooLow(theme, 3, on([`glyph-line-${digit}`, `p${digit}`], ['bg-surface', 'bg-raised']))).toEqual(
        [],
      );
      expect(tooLow(theme, 4.5, [[`on-p${digit}`, `p${digit}-fill`]])).toEqual([]);
    }
  });
});

describe('components', () => {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(vue|css)$/.test(path) && !path.endsWith('tokens.css'))
    .map((path) => ({
      path,
      text: readFileSync(join(folder, path), 'utf8').replace(/<script[^]*?<\/script>/, ''),
    }));

  test('TK-4 take colours from tokens only', () => {
    const found = files.filter(({ text }) => /#[0-9a-f]{3,8}\b(?=[^"]*[;}])|\brgba?\(|\bhsl\(/i.test(text));
    expect(found.map(({ path }) => path)).toEqual([]);
  });
  test('TK-3 use the colours of priorities in alarms and meters only', () => {
    const found = files.filter(
      ({ path, text }) => /var\(--(on-)?p[1-4]/.test(text) && !/^(alarm|heat)\/|Meter/.test(path),
    );
    expect(found.map(({ path }) => path)).toEqual([]);
  });
  test('use no token that does not exist', () => {
    const known = new Set([...tokens.matchAll(/(--[\w-]+):/g)].map(([, name]) => name));
    const unknown = files.flatMap(({ path, text }) =>
      [...text.matchAll(/var\((--[\w-]+)/g)]
        .filter(
          ([, name = '']) => !known.has(name) && !text.includes(`${name}:`) && !text.includes(`'${name}'`),
        )
        .filter(([, name = '']) => !sets(path, name))
        .map(([, name = '']) => `${path}: ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});

/** Properties that a component sets on itself in its script. */
function sets(path: string, name: string): boolean {
  return readFileSync(join(folder, path), 'utf8').includes(`'${name}'`);
}

// The console speaks English and Chinese, both complete, and says nothing that is in neither.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'vue/compiler-sfc';
import { describe, expect, test } from 'vitest';

type Messages = { readonly [key: string]: string | Messages };
const folder = join(import.meta.dirname, '../../renderer');
const messagesOf = (language: string) =>
  flatten(JSON.parse(readFileSync(join(folder, `i18n/${language}.json`), 'utf8')) as Messages);
const english = messagesOf('en');
const chinese = messagesOf('zh-CN');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((path) => /\.(vue|ts)$/.test(path))
  .map((path) => ({ path, text: readFileSync(join(folder, path), 'utf8') }));

function flatten(messages: Messages, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(messages).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value]] : [...flatten(value, `${prefix}${key}.`)],
    ),
  );
}
const all = sources.map(({ text }) => text).join('\n');
const literals = [...all.matchAll(/\bt\(\s*'([^']+)'/g)].map(([, key = '']) => key);
const prefixes = [...all.matchAll(/`([a-z]+\.[\w.]*)\$\{/g)].map(([, prefix = '']) => prefix);
const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort().join(' ');

describe('languages', () => {
  test('both have the same messages', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort());
  });
  test('a message names the same things in both', () => {
    const differ = [...english].filter(
      ([key, text]) => !isSubset(placeholders(chinese.get(key) ?? ''), placeholders(text)),
    );
    expect(differ.map(([key]) => key)).toEqual([]);
  });
  test('no message is missing', () => {
    expect(literals.filter((key) => !english.has(key))).toEqual([]);
    expect(prefixes.filter((prefix) => ![...english.keys()].some((key) => key.startsWith(prefix)))).toEqual(
      [],
    );
  });
  test('no message is unused', () => {
    const unused = [...english.keys()].filter(
      (key) => !all.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)),
    );
    expect(unused).toEqual([]);
  });
  test('templates hold no text of their own', () => {
    const own = sources.flatMap(({ path, text }) =>
      path.endsWith('.vue')
        ? textsOf(parse(text).descriptor.template?.ast).map((found) => `${path}: ${found}`)
        : [],
    );
    expect(own).toEqual([]);
  });
});

function isSubset(some: string, of: string): boolean {
  return some === '' || some.split(' ').every((name) => of.includes(name));
}

/** The product's name, keys, and signs that are the same in every language. */
const allowed = /^(Millrace|v|\/s|err|[A-Z]|[^\p{L}]*)$/u;
function textsOf(node: unknown): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const { type, content, children, branches } = node as Record<string, unknown>;
  const own =
    type === 2 && typeof content === 'string' && !allowed.test(content.trim()) ? [content.trim()] : [];
  const below = [children, branches].flatMap((list) => (Array.isArray(list) ? list.flatMap(textsOf) : []));
  return [...own, ...below];
}

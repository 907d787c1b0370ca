// Finds what was typed among commands and 50,000 node names, within a frame. "bod l8 c3" finds BOD-L08-C03.
import uFuzzy from '@leeoniya/ufuzzy';
import type { PaletteItem } from './paletteItem.ts';

/** One letter may come between two of a word, so that `l8` finds `L08`. */
const fuzzy = new uFuzzy({ intraIns: 1 });
/** More matches than this are not ranked, only cut off: what is typed says too little yet. */
const rankedMax = 2_000;

export interface PaletteScope {
  readonly group: 'node' | 'task' | 'action' | undefined;
  readonly text: string;
}
const prefixes: Readonly<Record<string, 'node' | 'task' | 'action'>> = {
  '@': 'node',
  '#': 'task',
  '>': 'action',
};

/** `@` nodes, `#` tasks, `>` actions. */
export function scopeOf(typed: string): PaletteScope {
  const group = prefixes[typed.charAt(0)];
  return { group, text: (group ? typed.slice(1) : typed).trim() };
}

/** Positions of the best matches among names. */
export function searchNames(names: readonly string[], text: string, limit: number): readonly number[] {
  if (text === '') return [];
  const list = names as string[];
  const found = fuzzy.filter(list, text);
  if (found === null || found.length === 0) return [];
  if (found.length > rankedMax) return found.slice(0, limit);
  const info = fuzzy.info(found, list, text);
  const order = fuzzy.sort(info, list, text);
  return order.slice(0, limit).map((at) => info.idx[at] ?? 0);
}

/** By the words on screen, and by the pinyin initials of commands. */
export function searchItems(items: readonly PaletteItem[], text: string): readonly PaletteItem[] {
  if (text === '') return items;
  const lower = text.toLowerCase();
  const plain = items.filter(
    (item) => item.text.toLowerCase().includes(lower) || item.initials?.startsWith(lower),
  );
  const rest = items.filter((item) => !plain.includes(item));
  const near = searchNames(
    rest.map((item) => item.text),
    text,
    rest.length,
  ).flatMap((at) => rest[at] ?? []);
  return [...plain, ...near];
}

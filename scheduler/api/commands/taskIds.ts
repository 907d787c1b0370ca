// Task ids of a command: as words, or read from standard input where the word is `-`.
import type { TaskId } from '../../protocol/brands.ts';
import { type Given, readTaskId, wrongUsage } from './command.ts';
import { linesOf } from './lines.ts';
import type { Tools } from './tools.ts';

/** Each id once, in order. Fails as wrong usage where there is none. */
export async function readTaskIds({ words }: Given, { input }: Tools): Promise<readonly TaskId[]> {
  const ids = new Set<TaskId>();
  for (const word of words)
    if (word === '-') for await (const { text } of linesOf(input)) addIds(ids, text);
    else ids.add(readTaskId(word));
  if (ids.size === 0) throw wrongUsage('give task ids, or - to read them from standard input');
  return [...ids];
}

function addIds(ids: Set<TaskId>, text: string): void {
  for (const word of text.split(/\s+/)) if (word !== '') ids.add(readTaskId(word));
}

export function* chunksOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size);
}

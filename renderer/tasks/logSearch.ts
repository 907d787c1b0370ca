// How a line of output is shown, and which lines hold a text.
import { plainText } from '../format/plainText.ts';
import type { LogLines } from './logLines.ts';

/** Longer lines are cut on screen only; copying gives all of them. */
const shownLengthMax = 2_000;
/** More than anyone steps through; keeps a search in a fast log short. */
const hitsMax = 9_999;

export function shownText(text: string): string {
  // A carriage return before the line feed is how Windows ends lines, not something to show.
  const line = text.endsWith('\r') ? text.slice(0, -1) : text;
  return plainText(line.length > shownLengthMax ? `${line.slice(0, shownLengthMax)} …` : line);
}

/** Numbers of the lines that hold `wanted`, in any case. */
export function hitsIn(lines: LogLines, wanted: string): readonly number[] {
  const found: number[] = [];
  const lower = wanted.toLowerCase();
  if (lower === '') return found;
  for (let at = 0; at < lines.count() && found.length < hitsMax; at++) {
    if (lines.lineAt(at)?.text.toLowerCase().includes(lower) === true) found.push(at);
  }
  return found;
}

// Lines of a stream of any length, in bounded memory.
import { StringDecoder } from 'node:string_decoder';
import { taskBytesMax } from '../../protocol/limits.ts';

/** A task is at most `taskBytesMax`; written with spaces and escapes it may be longer. */
const lineLengthMax = taskBytesMax * 4;

export interface Line {
  /** From 1. */
  readonly number: number;
  readonly text: string;
  /** Set where the line was longer than is read; `text` is then its beginning. */
  readonly isCut: boolean;
}

export async function* linesOf(input: AsyncIterable<Buffer | string>): AsyncGenerator<Line> {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  let isCut = false;
  let number = 0;
  for await (const chunk of input) {
    const parts = (typeof chunk === 'string' ? chunk : decoder.write(chunk)).split('\n');
    const last = parts.pop() ?? '';
    for (const part of parts) {
      number += 1;
      const text = rest + part;
      yield { number, text: text.slice(0, lineLengthMax), isCut: isCut || text.length > lineLengthMax };
      rest = '';
      isCut = false;
    }
    rest += last;
    isCut ||= rest.length > lineLengthMax;
    if (isCut) rest = rest.slice(0, lineLengthMax);
  }
  if (rest !== '') yield { number: number + 1, text: rest, isCut };
}

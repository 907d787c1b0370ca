// millrace logs: output of a task, stdout to stdout and stderr to stderr, at once or as it comes.
import type { InferOutput } from 'valibot';
import { decode } from '../../protocol/decode.ts';
import { pageRowsMax } from '../../protocol/limits.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, readTaskId } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import type { Tools } from './tools.ts';

type Piece = InferOutput<typeof answerSchemas.LogPiece>;
const messageLengthMax = 1024 * 1024;

export const logs: Command = {
  form: 'ID [-f]',
  about: 'Prints the output of the newest attempt; with -f, goes on until the task has ended.',
  options: {
    follow: { type: 'boolean', short: 'f', about: 'go on until the task has ended' },
    attempt: { type: 'string', value: 'N', about: 'this attempt' },
    stream: { type: 'string', value: 'NAME', about: 'only stdout, or only stderr' },
  },
  run: async (given, tools) => {
    const path = `/tasks/${readTaskId(onlyWord(given, 'task id'))}/logs`;
    if (given.flag('follow')) await follow(path, given, tools);
    else await readAll(path, given, tools);
    return exitCodes.ok;
  },
};

async function readAll(path: string, given: Given, tools: Tools): Promise<void> {
  const stream = given.text('stream');
  let after = 0;
  for (;;) {
    const query = { attempt: given.number('attempt'), stream, after, limit: pageRowsMax };
    const page = await tools.client.ask(answerSchemas.LogPage, { method: 'GET', path, query });
    for (const piece of page.pieces) if (stream === undefined || piece.stream === stream) print(piece, tools);
    after = page.pieces.at(-1)?.piece ?? after;
    if (page.pieces.length < pageRowsMax) return;
  }
}

async function follow(path: string, given: Given, tools: Tools): Promise<void> {
  const query = { follow: 1, attempt: given.number('attempt'), stream: given.text('stream') };
  let isEnded = false;
  for await (const { event, data } of eventsOf(tools.client.stream({ method: 'GET', path, query }))) {
    if (event === 'piece') {
      const piece = decode(answerSchemas.LogPiece, data, 'log piece');
      if (piece.ok) print(piece.value, tools);
    }
    isEnded ||= event === 'end';
  }
  if (!isEnded) throw new CommandFailed(exitCodes.noHub, 'the hub went away before the task ended');
}

function print(piece: Piece, { out, say, isJson }: Tools): void {
  if (isJson) out(`${JSON.stringify(piece)}\n`);
  else if (piece.stream === 'stdout') out(piece.text);
  else say(piece.text);
  if (!isJson && piece.droppedBytes !== undefined)
    say(`\n[${piece.droppedBytes} bytes more of ${piece.stream} were not kept]\n`);
}

/** Server-sent events: blocks of `event:` and `data:` lines with an empty line after each. */
async function* eventsOf(
  chunks: AsyncIterable<string>,
): AsyncGenerator<{ readonly event: string; readonly data: unknown }> {
  let rest = '';
  for await (const chunk of chunks) {
    const blocks = (rest + chunk).split('\n\n');
    rest = blocks.pop() ?? '';
    if (rest.length > messageLengthMax) throw new CommandFailed(exitCodes.hubFailed, 'an event has no end');
    for (const block of blocks) {
      const event = /^event: (.*)$/m.exec(block)?.[1];
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (event !== undefined && data !== undefined) yield { event, data: JSON.parse(data) as unknown };
    }
  }
}

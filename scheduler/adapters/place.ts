// `npm run --silent place -- --stdio FORMAT [--policy NAME]`: the real core decides for a measuring program that speaks
// one JSON message per line over standard input and output.
import { createInterface } from 'node:readline';
import { policies } from '../core/place/policy.ts';
import { chunksAnswers } from './chunks.ts';
import { openbAnswers } from './openb.ts';
import type { ReplaySettings } from './replay.ts';
import { swfAnswers } from './swf.ts';

/** What a format does with one line: its answer, or undefined where the message has none. Throws on a bad one. */
type Answers = (line: string) => object | undefined;

const formats: Readonly<Record<string, (settings: ReplaySettings) => Answers>> = {
  openb: ({ policy }) => openbAnswers(policy),
  swf: swfAnswers,
  chunks: chunksAnswers,
};
/** Each option with the values it may have, the default first. */
const options = {
  '--stdio': Object.keys(formats),
  '--policy': Object.keys(policies),
  '--order': ['slowdown', 'arrival'],
  '--backfill': ['conservative', 'easy', 'off'],
} as const;

const usage = [
  `place -- ${Object.entries(options)
    .map(([name, values]) => `${name} ${values.join('|')}`)
    .join(' ')}`,
  'reads messages from standard input, one JSON object per line, and writes its decisions the same way',
].join('\n');

try {
  const answer = answersOf(process.argv.slice(2));
  for await (const line of createInterface({ input: process.stdin })) {
    const said = line.trim() === '' ? undefined : answer(line);
    if (said) process.stdout.write(`${JSON.stringify(said)}\n`);
  }
} catch (error) {
  process.stderr.write(`place: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

function answersOf(words: readonly string[]): Answers {
  const given = new Map<string, string>();
  for (let at = 0; at < words.length; at += 2) {
    const name = words[at] ?? '';
    const value = words[at + 1];
    if (!Object.hasOwn(options, name) || value === undefined)
      throw new Error(`${name}: not an option with a value\n${usage}`);
    given.set(name, value);
  }
  const format = formats[chosen('--stdio', given.get('--stdio') ?? '', 'format')];
  if (!format) throw new Error(usage);
  return format({
    policy: policies[chosen('--policy', given.get('--policy') ?? 'pack', 'policy') as keyof typeof policies],
    order: chosen('--order', given.get('--order') ?? 'slowdown', 'order') as ReplaySettings['order'],
    backfill: chosen(
      '--backfill',
      given.get('--backfill') ?? 'conservative',
      'backfill',
    ) as ReplaySettings['backfill'],
  });
}

function chosen(option: keyof typeof options, value: string, what: string): string {
  if ((options[option] as readonly string[]).includes(value)) return value;
  throw new Error(`${option} ${value}: no such ${what}\n${usage}`);
}

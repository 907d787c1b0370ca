// `npm run --silent place -- --stdio FORMAT [--policy NAME]`: the real core decides for a measuring program that speaks
// one JSON message per line over standard input and output.
import { createInterface } from 'node:readline';
import { policies } from '../core/place/policy.ts';
import { openbAnswers } from './openb.ts';

/** What a format does with one line: its answer, or undefined where the message has none. Throws on a bad one. */
type Answers = (line: string) => object | undefined;

const formats: Readonly<Record<string, (policy: PolicyName) => Answers>> = {
  openb: (policy) => openbAnswers(policies[policy]),
};
type PolicyName = keyof typeof policies;

const usage = [
  `place -- --stdio ${Object.keys(formats).join('|')} [--policy ${Object.keys(policies).join('|')}]`,
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
    if (!['--stdio', '--policy'].includes(name) || value === undefined)
      throw new Error(`${name}: not an option with a value\n${usage}`);
    given.set(name, value);
  }
  const format = formats[given.get('--stdio') ?? ''];
  const policy = given.get('--policy') ?? 'pack';
  if (!format) throw new Error(`--stdio ${given.get('--stdio') ?? ''}: no such format\n${usage}`);
  if (!isPolicy(policy)) throw new Error(`--policy ${policy}: no such policy\n${usage}`);
  return format(policy);
}

function isPolicy(name: string): name is PolicyName {
  return Object.hasOwn(policies, name);
}

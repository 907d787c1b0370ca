// The answer to "why does it wait?" as lines of text.
import type { InferOutput } from 'valibot';
import type { answerSchemas } from '../answerSchemas.ts';
import { shown, timeOf } from './tools.ts';

type WhyAnswer = InferOutput<typeof answerSchemas.WhyAnswer>;
type WhyCause = WhyAnswer['causes'][number];

export function whyInWords(answer: WhyAnswer): string {
  const { taskId, waiting, dominant, verdict, placedOn, untilMs } = answer;
  if (placedOn !== undefined) return placedInWords(taskId, answer);
  const until = untilMs === undefined ? '' : `, until ${timeOf(untilMs)}`;
  return [
    `${shown(taskId)} waits (${waiting}): ${dominant}; it can run: ${verdict}${until}`,
    ...answer.causes.flatMap((cause) => causeLines(cause, 1)),
    ...expectedLines(answer),
    ...answer.helps.map(
      ({ lifts, nodes, nodeId, facts }) =>
        `  would help: ${lifts} lifted${nodes > 0 ? `, ${nodes} nodes take it then` : ''}` +
        `${nodeId === undefined ? '' : `, nearest ${nodeId}`}${factsText(facts)}`,
    ),
    ...answer.nearMisses.map(({ nodeId, lacks }) => {
      const lacked = lacks.map(({ reason, has, needs }) => `${reason} has ${has}, needs ${needs}`);
      return `  ${nodeId}: ${lacked.join('; ')}`;
    }),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

const causeLines = ({ reason, facts, causes }: WhyCause, depth: number): readonly string[] => [
  `${'  '.repeat(depth)}${reason}${factsText(facts)}`,
  ...causes.flatMap((part) => causeLines(part, depth + 1)),
];

function factsText(facts: WhyCause['facts']): string {
  const entries = Object.entries(facts).map(
    ([name, value]) => `${name} ${name.endsWith('Ms') ? timeOf(Number(value)) : value}`,
  );
  return entries.length === 0 ? '' : ` (${entries.join(', ')})`;
}

function expectedLines({ expected }: WhyAnswer): readonly string[] {
  if (!expected) return [];
  const { atMs, fromMs, untilMs, basis } = expected;
  return [
    `  expected start: ${timeOf(atMs)}, between ${timeOf(fromMs)} and ${timeOf(untilMs)} (by ${basis})`,
  ];
}

function placedInWords(taskId: WhyAnswer['taskId'], { placedOn, there }: WhyAnswer): string {
  const said = `${shown(taskId)} does not wait: it is on ${placedOn ?? ''}\n`;
  if (!there) return said;
  const { policy, considered, score, second } = there;
  const against = second ? `; second was ${second.nodeId} with ${second.score.toFixed(3)}` : '';
  return `${said}  chosen by ${policy} among ${considered} nodes, score ${score.toFixed(3)}${against}\n`;
}

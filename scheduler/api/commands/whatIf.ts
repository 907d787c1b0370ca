// millrace what-if: a span of recorded load again, without and with changes, side by side.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { CommandFailed, exitCodes } from './exitCodes.ts';
import { readTime } from './recorder.ts';
import { table, type Tools } from './tools.ts';

type Run = InferOutput<typeof answerSchemas.WhatIfRun>;
type Outcome = NonNullable<Run['answer']>['baseline'];
const askEveryMs = 250;
const selectForm = 'line=L1, area=, cell=, node=NAME or a label';

export const whatIf: Command = {
  form: '[--from TIME] [--hours N] CHANGES',
  about: 'Runs recorded load again through the same scheduler on a copy, without and with changes.',
  options: {
    from: { type: 'string', value: 'TIME', about: 'where the load begins (default: --hours ago)' },
    hours: { type: 'string', value: 'N', about: 'length of the load (default 1)' },
    now: { type: 'boolean', about: 'the load meets the plant as it is now, not as it was then' },
    cordon: { type: 'string', multiple: true, value: 'WHERE', about: `keep work away: ${selectForm}` },
    drain: { type: 'string', multiple: true, value: 'WHERE', about: 'and give elsewhere what runs there' },
    remove: { type: 'string', multiple: true, value: 'WHERE', about: 'and take the nodes away' },
    add: { type: 'string', multiple: true, value: 'N=NODE', about: 'so many more nodes like this one' },
    weight: { type: 'string', multiple: true, value: 'QUEUE=N', about: 'weight of a queue' },
    policy: { type: 'string', value: 'NAME', about: 'placement policy of the plant' },
    verify: { type: 'boolean', about: 'run both twice and compare the digests' },
  },
  run: async (given, tools) => {
    if (given.words.length > 0) throw wrongUsage('what-if takes no words');
    const nowMs = Date.now();
    const spanMs = (given.number('hours') ?? 1) * 3_600_000;
    const from = given.text('from');
    const fromMs = from === undefined ? nowMs - spanMs : readTime(from);
    const body = JSON.stringify({
      fromMs,
      untilMs: fromMs + spanMs,
      ...(given.flag('now') && { stateAtMs: nowMs }),
      changes: changesOf(given),
      verify: given.flag('verify'),
    });
    const { runId } = await tools.client.ask(answerSchemas.WhatIfRun, {
      method: 'POST',
      path: '/what-if',
      body,
    });
    const run = await ended(runId, tools);
    if (!run.answer) throw new CommandFailed(exitCodes.refused, run.message);
    tools.out(tools.isJson ? `${JSON.stringify(run.answer)}\n` : inWords(run.answer));
    return exitCodes.ok;
  },
};

async function ended(runId: number, { client, say, isJson }: Tools): Promise<Run> {
  let said = '';
  for (;;) {
    const { run } = await client.ask(answerSchemas.WhatIfNewest, { method: 'GET', path: '/what-if' });
    if (run?.runId !== runId) throw new CommandFailed(exitCodes.notFound, 'another what-if has begun');
    if (run.state !== 'running') return run;
    if (!isJson && run.message !== said) say(`${run.message}\n`);
    said = run.message;
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
  }
}

function changesOf(given: Given): readonly object[] {
  const policy = given.text('policy');
  return [
    ...(['cordon', 'drain', 'remove'] as const).flatMap((kind) =>
      given.texts(kind).map((text) => ({ kind, select: selectOf(text) })),
    ),
    ...given.texts('add').map((text) => {
      const [count, like] = pairOf(text, '--add 10=NODE');
      return { kind: 'add', count: Number(count), like };
    }),
    ...given.texts('weight').map((text) => {
      const [queue, weight] = pairOf(text, '--weight QUEUE=2');
      return { kind: 'queue', queue, change: { weight: Number(weight) } };
    }),
    ...(policy === undefined ? [] : [{ kind: 'policy', policy }]),
  ];
}

function selectOf(text: string): object {
  const [name, value] = pairOf(text, `WHERE is ${selectForm}`);
  if (name === 'node') return { nodes: [value] };
  return ['area', 'line', 'cell'].includes(name) ? { [name]: value } : { labels: { [name]: value } };
}

function pairOf(text: string, form: string): readonly [string, string] {
  const at = text.indexOf('=');
  if (at > 0 && at < text.length - 1) return [text.slice(0, at), text.slice(at + 1)];
  throw wrongUsage(`${text}: ${form}`);
}

function inWords({ baseline, changed, digestsEqual, notes }: NonNullable<Run['answer']>): string {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  const rows: readonly (readonly [string, (outcome: Outcome) => string | number])[] = [
    ['submitted', ({ submitted }) => submitted],
    ['succeeded', ({ succeeded }) => succeeded],
    ['dead letter', ({ deadLettered }) => deadLettered],
    ['missed deadlines', ({ missedDeadlines }) => missedDeadlines],
    ['live at the end', ({ liveAtEnd }) => liveAtEnd],
    ['of these never fit', ({ neverFit }) => neverFit],
    [
      'done after',
      ({ drainedAfterMs }) => (drainedAfterMs === undefined ? 'not in a day' : seconds(drainedAfterMs)),
    ],
    ['CPU allocated', ({ cpuAllocatedShare }) => percent(cpuAllocatedShare)],
    ['memory allocated', ({ memoryAllocatedShare }) => percent(memoryAllocatedShare)],
    ['times real time', ({ timesRealTime }) => timesRealTime],
  ];
  const queues = [...new Set([...baseline.waits, ...changed.waits].map(({ queue }) => queue))];
  const waitOf = ({ waits }: Outcome, queue: string): string => {
    const found = waits.find((row) => row.queue === queue);
    return found ? `${seconds(found.p50Ms)} / ${seconds(found.p95Ms)} / ${seconds(found.maxMs)}` : '-';
  };
  return [
    table(
      ['', 'AS IT WAS', 'CHANGED'],
      rows.map(([name, of]) => [name, of(baseline), of(changed)]),
    ),
    table(
      ['QUEUE: WAIT P50 / P95 / MAX', 'AS IT WAS', 'CHANGED'],
      queues.map((queue) => [queue, waitOf(baseline, queue), waitOf(changed, queue)]),
    ),
    ...notes.map((note) => `${note}\n`),
    ...(digestsEqual === undefined
      ? []
      : [`digests of the repeated runs are ${digestsEqual ? 'equal' : 'DIFFERENT'}\n`]),
  ].join('');
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

// millrace list, get, why, cancel, retry: tasks as tables and in words.
import type { InferOutput } from 'valibot';
import { submitBatchMax } from '../../protocol/limits.ts';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, readTaskId, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { chunksOf, readTaskIds } from './taskIds.ts';
import { clean, printRows, shown, table, timeOf, type Tools } from './tools.ts';

type Row = InferOutput<typeof answerSchemas.TaskRow>;
type TaskRecord = InferOutput<typeof answerSchemas.TaskRecord>;
type Why = InferOutput<typeof answerSchemas.WhyAnswer>;
const pageRows = 200;

export const list: Command = {
  form: '[options]',
  about: 'Lists tasks, newest first.',
  options: {
    state: { type: 'string', value: 'STATE', multiple: true, about: 'ready, running, dead_letter, ...' },
    queue: { type: 'string', value: 'NAME', about: 'in this queue' },
    node: { type: 'string', value: 'NAME', about: 'placed on this node' },
    text: { type: 'string', value: 'TEXT', about: 'part of the name, the program line or a label' },
    since: { type: 'string', value: 'TIME', about: 'submitted so long ago at most, like 2h' },
    limit: { type: 'string', value: 'N', about: 'rows (default 50)' },
    all: { type: 'boolean', about: 'every row there is' },
    ids: { type: 'boolean', about: 'only ids, for wait, cancel and retry' },
  },
  run: async (given, tools) => {
    const { rows, more } = await readRows(given, tools);
    if (given.flag('ids')) for (const { taskId } of rows) tools.out(`${shown(taskId)}\n`);
    else
      printRows(
        tools,
        rows,
        ['ID', 'STATE', 'QUEUE', 'NODE', 'ATTEMPT', 'EXIT', 'SUBMITTED', 'NAME'],
        cellsOf,
      );
    if (more > 0 && !tools.isJson) tools.say(`${more} more; give --all or a larger --limit\n`);
    return exitCodes.ok;
  },
};

async function readRows(given: Given, { client }: Tools): Promise<{ rows: Row[]; more: number }> {
  const sinceMs = given.durationMs('since');
  const wanted = given.flag('all') ? Infinity : (given.number('limit') ?? 50);
  const filter = {
    state: given.texts('state').flatMap((one) => one.split(',')),
    queue: given.text('queue'),
    nodeId: given.text('node'),
    text: given.text('text'),
    sinceMs: sinceMs === undefined ? undefined : Date.now() - sinceMs,
  };
  const rows: Row[] = [];
  let before: number | undefined;
  for (;;) {
    const limit = Math.max(1, Math.min(pageRows, wanted - rows.length));
    const query = { ...filter, before, limit };
    const page = await client.ask(answerSchemas.TaskList, { method: 'GET', path: '/tasks', query });
    rows.push(...page.rows);
    before = page.nextBefore;
    if (before === undefined) return { rows, more: 0 };
    if (rows.length >= wanted) return { rows, more: Math.max(0, page.total - rows.length) };
  }
}

const cellsOf = (row: Row): (string | number)[] => [
  shown(row.taskId),
  row.waiting === 'none' || row.waiting === row.state ? row.state : `${row.state} (${row.waiting})`,
  row.queue,
  row.nodeId ?? '-',
  `${row.attempt}/${row.attemptsMax}`,
  row.exitCode ?? '-',
  timeOf(row.submittedAtMs),
  row.name,
];

export const get: Command = {
  form: 'ID',
  about: 'Shows one task with its attempts.',
  options: {},
  run: async (given, tools) => {
    const path = `/tasks/${readTaskId(onlyWord(given, 'task id'))}`;
    const detail = await tools.client.ask(answerSchemas.TaskDetail, { method: 'GET', path });
    tools.out(tools.isJson ? `${JSON.stringify(detail)}\n` : inWords(detail.record));
    return exitCodes.ok;
  },
};

function inWords(record: TaskRecord): string {
  const { taskId, spec, state, submitter, submittedAtMs, endedAtMs, reason, attempts } = record;
  const { work } = spec;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['task', shown(taskId)],
    ['name', spec.name],
    ['state', state],
    ['reason', reason],
    ['queue', `${spec.queue}, priority ${spec.priority}`],
    ['work', work.kind === 'command' ? work.argv.join(' ') : `simulated for ${work.runMs} ms`],
    ['submitted', `${timeOf(submittedAtMs)} by ${submitter}`],
    ['ended', endedAtMs === undefined ? undefined : timeOf(endedAtMs)],
  ];
  const told = facts.flatMap(([name, fact]) =>
    fact === undefined || fact === '' ? [] : [`${name.padEnd(10)} ${clean(fact)}\n`],
  );
  if (attempts.length === 0) return told.join('');
  const rows = attempts.map(({ attempt, nodeId, placedAtMs, end }) => [
    attempt,
    nodeId,
    timeOf(placedAtMs),
    end === undefined ? 'not ended' : `${end.reason} ${end.exitCode ?? end.signal ?? ''}`.trimEnd(),
    end?.runMs === undefined ? '-' : `${end.runMs} ms`,
    end?.message ?? '',
  ]);
  return `${told.join('')}\n${table(['ATTEMPT', 'NODE', 'PLACED', 'END', 'RAN', 'MESSAGE'], rows)}`;
}

export const why: Command = {
  form: 'ID',
  about: 'Tells why a task is not running.',
  options: {},
  run: async (given, tools) => {
    const path = `/tasks/${readTaskId(onlyWord(given, 'task id'))}/why`;
    const answer = await tools.client.ask(answerSchemas.WhyAnswer, { method: 'GET', path });
    tools.out(tools.isJson ? `${JSON.stringify(answer)}\n` : whyInWords(answer));
    return exitCodes.ok;
  },
};

function whyInWords(answer: Why): string {
  const { taskId, waiting, dominant, verdict, registered, funnel, nearMisses, ahead } = answer;
  const { placedOn, untilMs } = answer;
  if (placedOn !== undefined) return `${shown(taskId)} does not wait: it is on ${placedOn}\n`;
  const until = untilMs === undefined ? '' : `, until ${timeOf(untilMs)}`;
  const lines = [
    `${shown(taskId)} waits (${waiting}): ${dominant}; it can run: ${verdict}${until}`,
    `${ahead} tasks of its queue go first; ${registered} nodes are known`,
    ...funnel.map(
      ({ reason, remaining, removed }) => `  ${reason}: takes away ${removed}, leaves ${remaining}`,
    ),
    ...nearMisses.map(({ nodeId, lacks }) => {
      const lacked = lacks.map(({ reason, has, needs }) => `${reason} has ${has}, needs ${needs}`);
      return `  ${nodeId}: ${lacked.join('; ')}`;
    }),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

export const cancel: Command = {
  form: 'ID... | -',
  about: 'Cancels tasks; what runs is ended.',
  options: { reason: { type: 'string', value: 'TEXT', about: 'written beside the task' } },
  run: (given, tools) => forTasks(given, tools, { path: '/tasks/cancel', done: 'cancelled' }),
};

export const retry: Command = {
  form: 'ID... | -',
  about: 'Puts tasks that have ended back into their queues.',
  options: {},
  run: (given, tools) => forTasks(given, tools, { path: '/tasks/retry', done: 'back in its queue' }),
};

async function forTasks(
  given: Given,
  tools: Tools,
  { path, done }: { readonly path: string; readonly done: string },
): Promise<number> {
  const { client, out, say, isJson } = tools;
  const reason = given.text('reason');
  const ids = await readTaskIds(given, tools);
  let failures = 0;
  let lastCode = '';
  for (const taskIds of chunksOf(ids, submitBatchMax)) {
    const body = JSON.stringify({ taskIds, ...(reason !== undefined && { reason }) });
    const { answers } = await client.ask(answerSchemas.TaskAnswers, { method: 'POST', path, body });
    for (const [at, taskId] of taskIds.entries()) {
      const answer = answers[at];
      if (answer === undefined) throw wrongUsage(`the hub did not answer for ${shown(taskId)}`);
      if (isJson) out(`${JSON.stringify({ taskId, ...answer })}\n`);
      else if (answer.ok) out(`${shown(taskId)} ${done}\n`);
      else say(`${answer.refusal.message} (${answer.refusal.code})\n`);
      if (answer.ok) continue;
      failures += 1;
      lastCode = answer.refusal.code;
    }
  }
  if (ids.length === 1 && lastCode !== '')
    return lastCode === 'unknown_task' ? exitCodes.notFound : exitCodes.refused;
  return failures > 0 ? exitCodes.failed : exitCodes.ok;
}

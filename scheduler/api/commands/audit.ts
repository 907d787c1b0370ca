// millrace audit list, verify, export: who did what, and the proof that nobody changed the record of it.
import type { InferOutput } from 'valibot';
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { followJob } from './jobs.ts';
import { clean, printRows, timeOf, type Tools } from './tools.ts';

type Check = InferOutput<typeof answerSchemas.AuditCheck>;
const askEveryMs = 200;
const dayMs = 86_400_000;

export const audit: Command = {
  form: 'list | verify | export --format csv|ndjson [options]',
  about:
    'Lists, checks or exports the audit trail. With --data alone, verify reads a folder whose host is stopped.',
  options: {
    actor: { type: 'string', value: 'NAME', about: 'list, export: by whom' },
    action: { type: 'string', value: 'NAME', about: 'list, export: what was done, such as setCordon' },
    refused: { type: 'boolean', about: 'list, export: only what was refused' },
    target: { type: 'string', value: 'NAME', about: 'list, export: the whole name of a thing acted on' },
    text: { type: 'string', value: 'TEXT', about: 'list, export: part of anything an entry says' },
    since: { type: 'string', value: 'TIME', about: 'list, export: so long ago, such as 8h or 7d' },
    limit: { type: 'string', value: 'N', about: 'list: rows (default 50)' },
    format: { type: 'string', value: 'NAME', about: 'export: csv or ndjson' },
    folder: { type: 'string', value: 'DIR', about: 'export: absolute path on the machine of the hub' },
  },
  run: (given, tools) => {
    const [what, ...rest] = given.words;
    if (rest.length > 0) throw wrongUsage(`${rest.join(' ')}: filter with --actor, --target, --text`);
    if (what === 'list') return list(given, tools);
    if (what === 'verify') return verify(tools);
    if (what === 'export') return exportTrail(given, tools);
    throw wrongUsage('give one of list, verify, export');
  },
};

function filterOf(given: Given) {
  const sinceMs = given.durationMs('since');
  const texts = ['actor', 'action', 'target', 'text'].flatMap((name) => {
    const text = given.text(name);
    return text === undefined ? [] : [[name, text] as const];
  });
  return {
    ...Object.fromEntries(texts),
    ...(given.flag('refused') && { outcome: 'refused' }),
    ...(sinceMs !== undefined && { sinceMs: Math.max(0, Date.now() - Math.min(sinceMs, 36_500 * dayMs)) }),
  };
}

async function list(given: Given, tools: Tools): Promise<number> {
  const wanted = given.number('limit') ?? 50;
  const rows: InferOutput<typeof answerSchemas.AuditPage>['entries'] = [];
  let before: number | undefined;
  do {
    const query = { ...filterOf(given), before, limit: Math.min(200, wanted - rows.length) };
    const call = { method: 'GET', path: '/audit/entries', query } as const;
    const page = await tools.client.ask(answerSchemas.AuditPage, call);
    rows.push(...page.entries);
    before = page.nextBefore;
  } while (before !== undefined && rows.length < wanted);
  printRows(tools, rows, ['SEQ', 'TIME', 'ACTION', 'ACTOR', 'SOURCE', 'OUTCOME', 'TARGETS'], (row) => {
    const many = row.count ?? row.targets.length;
    const more = many > 3 ? ` (${many})` : '';
    const things = `${row.targets.slice(0, 3).join(' ')}${more}`;
    return [row.seq, timeOf(row.atMs), row.action, row.actor, row.source, row.outcome, things];
  });
  return exitCodes.ok;
}

async function verify({ client, out, say, isJson }: Tools): Promise<number> {
  let check: Check | undefined = await client.ask(answerSchemas.AuditCheck, {
    method: 'POST',
    path: '/audit/verify',
  });
  while (check?.state === 'running') {
    await new Promise((resolve) => setTimeout(resolve, askEveryMs));
    ({ check } = await client.ask(answerSchemas.AuditState, { method: 'GET', path: '/audit' }));
  }
  if (isJson) out(`${JSON.stringify(check)}\n`);
  else if (check) (check.state === 'good' ? out : say)(inWords(check));
  return check?.state === 'good' ? exitCodes.ok : exitCodes.failed;
}

function inWords({ state, done, seq = 0, hash = '', fault, found = 0, message = '' }: Check): string {
  if (state === 'failed') return `the check failed: ${clean(message)}\n`;
  const head = `newest entry ${seq}, hash ${hash}\n`;
  const damage = found > 0 ? `${found} entries audit_damaged tell of damage that was found before\n` : '';
  if (fault)
    return `DAMAGED at entry ${fault.seq}: ${clean(fault.message)}\n${done} entries before it are good\n`;
  return `${done} entries are as they were written\n${head}${damage}`;
}

function exportTrail(given: Given, tools: Tools): Promise<number> {
  const format = given.text('format');
  if (format === undefined) throw wrongUsage('give --format: csv or ndjson');
  const body = JSON.stringify({ format, folder: given.text('folder'), filter: filterOf(given) });
  return followJob({ method: 'POST', path: '/audit/exports', body }, tools);
}

// millrace windows, put-window, remove-window, licences, put-licence, remove-licence.
import { answerSchemas } from '../answerSchemas.ts';
import { type Command, type Given, onlyWord, wrongUsage } from './command.ts';
import { exitCodes } from './exitCodes.ts';
import { removal } from './removal.ts';
import { printRows, timeOf } from './tools.ts';

const labels = ['area', 'line', 'cell', 'node'] as const;
const names = (what: string) =>
  ({ type: 'string', value: 'NAME', multiple: true, about: `nodes of this ${what}` }) as const;

export const windows: Command = {
  form: '',
  about: 'Lists maintenance windows that are not over.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.WindowList, { method: 'GET', path: '/windows' });
    printRows(tools, list.windows, ['WINDOW', 'FROM', 'UNTIL', 'NODES', 'NOTE'], (row) => [
      row.id,
      timeOf(row.fromMs),
      timeOf(row.untilMs),
      labels
        .flatMap((label) => (row.scope[label] ? [`${label}=${row.scope[label].join('|')}`] : []))
        .join(' '),
      row.note,
    ]);
    return exitCodes.ok;
  },
};

export const putWindow: Command = {
  form: 'ID [--in TIME] --for TIME --line NAME',
  about: 'Sets a maintenance window: nothing is started on its nodes that may last into it.',
  options: {
    in: { type: 'string', value: 'TIME', about: 'begins after this time, like 2h (default: now)' },
    for: { type: 'string', value: 'TIME', about: 'lasts so long, like 90m' },
    from: { type: 'string', value: 'WHEN', about: 'begins then, like 2026-12-01T22:00Z' },
    until: { type: 'string', value: 'WHEN', about: 'ends then' },
    area: names('area'),
    line: names('line'),
    cell: names('cell'),
    node: { type: 'string', value: 'NAME', multiple: true, about: 'this node' },
    note: { type: 'string', value: 'TEXT', about: 'for people' },
  },
  run: async (given, { client, out, isJson }) => {
    const id = onlyWord(given, 'window');
    const fromMs = whenOf(given, 'from') ?? Date.now() + (given.durationMs('in') ?? 0);
    const lastsMs = given.durationMs('for');
    const untilMs = whenOf(given, 'until') ?? (lastsMs === undefined ? undefined : fromMs + lastsMs);
    if (untilMs === undefined) throw wrongUsage('give --for or --until');
    const scope = Object.fromEntries(
      labels.flatMap((label) =>
        given.texts(label).length > 0 ? [[label, [...given.texts(label)]] as const] : [],
      ),
    );
    const body = JSON.stringify({ scope, fromMs, untilMs, note: given.text('note') ?? '' });
    const path = `/windows/${encodeURIComponent(id)}`;
    const answer = await client.ask(answerSchemas.WindowAnswer, { method: 'PUT', path, body });
    const words = `${id} from ${timeOf(fromMs)} until ${timeOf(untilMs)}\n`;
    out(isJson ? `${JSON.stringify({ ...answer, scope, fromMs, untilMs })}\n` : words);
    return exitCodes.ok;
  },
};

export const licences: Command = {
  form: '',
  about: 'Lists licences: how many there are, and how many are held.',
  options: {},
  run: async (_given, tools) => {
    const list = await tools.client.ask(answerSchemas.LicenceList, { method: 'GET', path: '/licences' });
    printRows(tools, list.licences, ['LICENCE', 'TOTAL', 'HELD'], (row) => [
      row.licence,
      row.total,
      row.held,
    ]);
    return exitCodes.ok;
  },
};

export const putLicence: Command = {
  form: 'NAME --total N',
  about: 'Makes a licence, or sets how many there are.',
  options: { total: { type: 'string', value: 'N', about: 'how many attempts may hold together' } },
  run: async (given, { client, out, isJson }) => {
    const licence = onlyWord(given, 'licence');
    const total = given.number('total');
    if (total === undefined) throw wrongUsage('give --total');
    const path = `/licences/${encodeURIComponent(licence)}`;
    const call = { method: 'PUT', path, body: JSON.stringify({ total }) } as const;
    const answer = await client.ask(answerSchemas.LicenceAnswer, call);
    out(isJson ? `${JSON.stringify({ ...answer, total })}\n` : `${licence}: ${String(total)}\n`);
    return exitCodes.ok;
  },
};

export const removeWindow = removal('window', 'Takes a maintenance window away.');
export const removeLicence = removal('licence', 'Takes a licence away that no live task asks for.');

/** A date as people and programs write it, in ms since 1970. */
function whenOf(given: Given, name: string): number | undefined {
  const text = given.text(name);
  if (text === undefined) return undefined;
  const atMs = Date.parse(text);
  if (Number.isFinite(atMs)) return atMs;
  throw wrongUsage(`--${name} ${text}: it is a date like 2026-12-01T22:00Z`);
}

// millrace journal verify, export, repair: what is done with a journal while no host runs.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { faultOf } from '../sqlite/fault.ts';
import { exportJournal } from './journalExport.ts';
import { CommandEnds, exitCodes, journalPathIn, type Output } from './journalReading.ts';
import { repairJournal } from './journalRepair.ts';
import { verifyJournal } from './journalVerify.ts';

const usage = `millrace journal verify|export|repair [--data DIR] [--json]
  For the data folder of a host that does not run (default ${join(homedir(), '.millrace', 'hub')}, or MILLRACE_DATA).

millrace journal verify
  Reads every row and snapshot, replays what a start would, looks at history.db, and names what is damaged.
  Writes nothing.
millrace journal export [--out FILE] [--from N] [--to N] [--kind EVENT]...
  Writes one line of JSON for each batch: its number, its time, its events. Ends at the first damaged row.
  --out FILE      a new file instead of standard output
  --from, --to    numbers of the first and the last batch
  --kind EVENT    only events of this kind, such as task_admitted; may be repeated
millrace journal repair [--yes]
  For a journal that a host refuses since it is damaged: cuts it before the first bad row and says what is lost.
  --yes           do it; without it only what would happen is said

Exit codes: 0 ok; 1 damage was found; 2 wrong usage; 5 there is no journal; 6 refused, such as while the host runs.
`;

/** `args` are the words after `journal`. Resolves to the exit code. */
export async function runJournalCommand(
  args: readonly string[],
  output: Output,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<number> {
  let isJson = false;
  try {
    const given = readGiven(args);
    isJson = given.values.json === true;
    if (given.values.help === true) {
      output.out(usage);
      return exitCodes.ok;
    }
    const data = given.values.data ?? environment['MILLRACE_DATA'] ?? join(homedir(), '.millrace', 'hub');
    return await run(resolve(data), given, output);
  } catch (error) {
    const { exitCode, message } = endOf(error, args);
    output.say(isJson ? `${JSON.stringify({ detail: message })}\n` : `millrace: ${message}\n`);
    return exitCode;
  }
}

function run(folder: string, { words, values }: Given, output: Output): Promise<number> {
  const isJson = values.json === true;
  const [name] = words;
  if (words.length !== 1) throw wrongUsage('give one of verify, export, repair');
  if (name === 'verify') return verifyJournal(folder, output, isJson);
  if (name === 'repair') return repairJournal(folder, { isConfirmed: values.yes === true, isJson }, output);
  if (name !== 'export') throw wrongUsage(`there is no journal ${name ?? ''}`);
  const options = {
    file: values.out === undefined ? undefined : resolve(values.out),
    from: wholeOf('from', values.from) ?? 1,
    to: wholeOf('to', values.to) ?? Number.MAX_SAFE_INTEGER,
    kinds: values.kind ?? [],
  };
  return exportJournal(folder, options, output);
}

interface Given {
  readonly words: readonly string[];
  readonly values: ReturnType<typeof parsed>['values'];
}

function readGiven(args: readonly string[]): Given {
  try {
    const { positionals, values } = parsed(args);
    return { words: positionals, values };
  } catch (error) {
    throw wrongUsage(error instanceof Error ? error.message : String(error));
  }
}

function parsed(args: readonly string[]) {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean' } as const;
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      data: text,
      out: text,
      from: text,
      to: text,
      kind: { ...text, multiple: true },
      yes: flag,
      json: flag,
      help: { ...flag, short: 'h' },
    },
  });
}

function wholeOf(name: string, text: string | undefined): number | undefined {
  if (text === undefined || /^\d{1,15}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw wrongUsage(`--${name} ${text}: it is a whole number`);
}

const wrongUsage = (message: string): CommandEnds =>
  new CommandEnds(exitCodes.usage, `${message}; see millrace journal --help`);

/** What SQLite says of a file is damage; anything else that was not expected is a bug and goes on its way. */
function endOf(error: unknown, args: readonly string[]): CommandEnds {
  if (error instanceof CommandEnds) return error;
  const { cause, message } = faultOf(error, journalPathIn(args.join(' ')));
  if (cause === 'unknown') throw error;
  return new CommandEnds(exitCodes.damaged, message);
}

// The `millrace` program: journal, backup verify and restore work on a folder without its host, all else asks the hub.
import { exitCodes } from '../api/commands/exitCodes.ts';
import { runCommandLine } from '../api/cli.ts';
import { runBackupCommand } from '../offline/backupCommand.ts';
import { isAuditFree, verifyAuditOffline } from '../offline/auditCommand.ts';
import { runJournalCommand } from '../offline/journalCommand.ts';
import { runUsersReset } from './usersCommand.ts';

/** For the list of commands. */
const offline = {
  journal: 'Verifies, exports or repairs the journal of a host that does not run.',
  'backup verify': 'Reads every file of a backup and compares it with what was written.',
  restore: 'Makes a data folder of a backup.',
  'users reset': 'A new administrator password, where all are lost; the host must not run.',
};

function run(args: readonly string[]): Promise<number> {
  const [name, second] = args;
  if (name === 'users' && second === 'reset') return runUsersReset(args.slice(2), output);
  if (name === 'journal') return runJournalCommand(args.slice(1), output, process.env);
  if (name === 'restore' || (name === 'backup' && second === 'verify')) return runBackupCommand(args, output);
  const folder = stoppedFolder(args);
  if (folder !== undefined)
    return Promise.resolve(verifyAuditOffline(folder, output, args.includes('--json')));
  return runCommandLine(args, { ...output, input: process.stdin, environment: process.env }, offline);
}

/** `audit verify --data DIR` (or MILLRACE_DATA) of a host that does not run: read here. */
function stoppedFolder(args: readonly string[]): string | undefined {
  const [name, second, ...rest] = args;
  if (name !== 'audit' || second !== 'verify' || rest.includes('--help') || rest.includes('--hub'))
    return undefined;
  const at = rest.indexOf('--data');
  const folder = at < 0 ? process.env['MILLRACE_DATA'] : rest[at + 1];
  return folder !== undefined && isAuditFree(folder) ? folder : undefined;
}

const output = {
  out: (text: string): void => {
    process.stdout.write(text);
  },
  say: (text: string): void => {
    process.stderr.write(text);
  },
  /** A reader that is slower than the disk holds the writer up rather than memory. */
  drained: (): Promise<void> =>
    process.stdout.writableNeedDrain
      ? new Promise((resolve) => process.stdout.once('drain', resolve))
      : Promise.resolve(),
};

// `millrace list | head`: the reader has what it wanted.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodes.ok : exitCodes.hubFailed);
});
void run(process.argv.slice(2)).then((code) => {
  // Set, not exited with: what was written to a pipe is still on its way.
  process.exitCode = code;
  // Electron does not end by itself where nothing is left to do.
  if ('electron' in process.versions) process.stdout.write('', () => process.exit(code));
});

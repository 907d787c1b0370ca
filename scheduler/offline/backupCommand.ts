// millrace backup verify, restore: what is done with backups while no host runs.
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { checkBackup, readManifest } from './backupManifest.ts';
import { hindranceOf, restoreBackup, type Restored } from './restore.ts';

export interface CommandOutput {
  /** Results. */
  readonly out: (text: string) => void;
  /** What people read meanwhile. */
  readonly say: (text: string) => void;
}

/** As docs/API.md lists them for every command. */
const exitCodes = { ok: 0, failed: 1, usage: 2, refused: 6 } as const;
const sayEveryMs = 2_000;

const usage = `millrace backup verify FOLDER
  Reads every file of a backup and compares it with what was written.

millrace restore --from FOLDER --data DIR --yes [--force]
  Makes a data folder of a backup. The host must not run.
  --from FOLDER   the backup: a folder millrace-YYYYMMDD-HHMMSS
  --data DIR      data folder to make (the default one is ${join(homedir(), '.millrace', 'hub')})
  --yes           do it; without it only what would happen is said
  --force         move files of a host that are there aside into DIR/replaced-...
`;

/** `args[0]` is `backup` (then `verify` follows) or `restore`. Resolves to the exit code. */
export async function runBackupCommand(args: readonly string[], output: CommandOutput): Promise<number> {
  const [name, ...rest] = args;
  if (rest.includes('--help') || rest.includes('-h')) {
    output.out(usage);
    return exitCodes.ok;
  }
  try {
    return name === 'restore' ? await restore(rest, output) : await verify(rest.slice(1), output);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    output.say(`millrace: ${why}\n`);
    return exitCodes.failed;
  }
}

async function verify(words: readonly string[], { out, say }: CommandOutput): Promise<number> {
  const [folder, ...more] = words;
  if (folder === undefined || folder.startsWith('-') || more.length > 0)
    return wrongUsage('give one folder', say);
  const checked = await checkBackup(resolve(folder), progressTo(say));
  if (!checked.ok) {
    for (const fault of checked.reason) say(`millrace: ${fault}\n`);
    return exitCodes.failed;
  }
  const { files, madeAtMs, program } = checked.value;
  for (const { name, bytes } of files)
    out(`${name.padEnd(12)} ${String(bytes).padStart(12)} bytes  as written\n`);
  out(`made ${new Date(madeAtMs).toISOString()} by Millrace ${program}\n`);
  return exitCodes.ok;
}

async function restore(args: readonly string[], { out, say }: CommandOutput): Promise<number> {
  let values;
  try {
    const flag = { type: 'boolean' } as const;
    const text = { type: 'string' } as const;
    ({ values } = parseArgs({
      args: [...args],
      options: { from: text, data: text, yes: flag, force: flag },
    }));
  } catch (error) {
    return wrongUsage(error instanceof Error ? error.message : String(error), say);
  }
  const { from, data } = values;
  if (from === undefined || data === undefined) return wrongUsage('give --from and --data', say);
  const ask = { from: resolve(from), dataFolder: resolve(data), isForced: values.force === true };
  if (values.yes !== true) return describe(ask, { out, say });
  const restored = await restoreBackup(ask, progressTo(say));
  if (!restored.ok) {
    for (const fault of restored.reason) say(`millrace: ${fault}\n`);
    return exitCodes.refused;
  }
  out(`${doneInWords(restored.value, ask.dataFolder)}\n`);
  return exitCodes.ok;
}

/** What would happen, for somebody who has not said `--yes`. */
async function describe(
  ask: Parameters<typeof hindranceOf>[0],
  { out, say }: CommandOutput,
): Promise<number> {
  const manifest = await readManifest(ask.from);
  const hindrance = manifest.ok ? await hindranceOf(ask) : manifest.reason;
  if (!manifest.ok || hindrance !== undefined) {
    say(`millrace: ${hindrance ?? ''}\n`);
    return exitCodes.refused;
  }
  out(`${lossInWords(manifest.value.madeAtMs)}\n`);
  return wrongUsage('nothing was done; add --yes to restore', say);
}

function lossInWords(madeAtMs: number): string {
  const hours = (Date.now() - madeAtMs) / 3_600_000;
  return (
    `the backup was made ${new Date(madeAtMs).toISOString()}, ${hours.toFixed(1)} h ago. What happened since then is ` +
    'lost: tasks submitted since then are not known any more, tasks that were live then run again, and nodes that ' +
    'enrolled since then must enrol again'
  );
}

function doneInWords(
  { manifest, liveTasks, endedTasks, aside, notices }: Restored,
  dataFolder: string,
): string {
  return [
    ...notices,
    ...(aside === undefined ? [] : [`what was there is now in ${aside}`]),
    lossInWords(manifest.madeAtMs),
    `restored into ${dataFolder}: ${liveTasks} live tasks, ${endedTasks} ended ones; start the host there`,
  ].join('\n');
}

function progressTo(say: CommandOutput['say']): (bytes: number, total: number) => void {
  let saidAtMs = Date.now();
  return (bytes, total) => {
    if (Date.now() - saidAtMs < sayEveryMs) return;
    saidAtMs = Date.now();
    say(`checked ${Math.floor((bytes * 100) / Math.max(1, total))} %\n`);
  };
}

function wrongUsage(message: string, say: CommandOutput['say']): number {
  say(`millrace: ${message}; see millrace restore --help\n`);
  return exitCodes.usage;
}

// The installed package, started as an ordinary user with a screen and a session bus of its own: the real sandbox.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { has } from '../../.ci/systemPackages.ts';
import { killTree } from './electronApp.ts';

const user = 'millrace-e2e';
const home = `/home/${user}`;

/** Why the package cannot be installed here; undefined where it can. */
export const cannotInstall = ((): string | undefined => {
  if (process.platform !== 'linux' || !has('dpkg')) return 'no dpkg';
  if (process.getuid?.() !== 0) return 'only root can install a package';
  const missing = ['runuser', 'useradd', 'dbus-run-session', 'xvfb-run'].filter((program) => !has(program));
  return missing.length === 0 ? undefined : `missing: ${missing.join(', ')}`;
})();

export interface InstalledRun {
  readonly output: () => string;
  /** Settles with the exit code. */
  readonly ended: Promise<number>;
}

export function makeUser(): void {
  if (spawnSync('id', [user]).status !== 0) execFileSync('useradd', ['--create-home', user]);
}

export function removeUser(): void {
  spawnSync('userdel', ['--remove', user]);
}

export const userFolder = (name: string): string => join(home, name);

/** With a screen, whose memory lies in `screenFolder`, and a session bus. */
export function onScreen(name: string, words: readonly string[]): InstalledRun & { screenFolder: string } {
  const screenFolder = userFolder(`${name}-screen`);
  mkdirSync(screenFolder, { recursive: true });
  execFileSync('chown', [user, screenFolder]);
  const screen = `-screen 0 1440x900x24 -fbdir ${screenFolder}`;
  const run = asUser(['dbus-run-session', '--', 'xvfb-run', '-a', '-s', screen, ...words]);
  return { ...run, screenFolder };
}

function asUser(words: readonly string[]): InstalledRun {
  const child = spawn('runuser', ['-u', user, '--', 'env', `HOME=${home}`, 'LANG=C.UTF-8', ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: home,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  });
  let output = '';
  const take = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  onTestFinished(() => {
    killTree(child.pid);
  });
  const ended = new Promise<number>((resolve) => {
    child.once('exit', (code) => {
      resolve(code ?? 128);
    });
  });
  return { output: () => output, ended };
}

/** Processes of the installed program: the main one has no `--type`. */
export function installedProcesses(): { pid: number; words: string }[] {
  const rows = spawnSync('ps', ['-u', user, '-o', 'pid=,args='], { encoding: 'utf8' }).stdout.trim();
  return rows
    .split('\n')
    .map((row) => row.trim())
    .filter((row) => /^\d+ (\/opt\/Millrace|\/usr\/bin)\/millrace/.test(row))
    .map((row) => ({ pid: Number.parseInt(row, 10), words: row.replace(/^\d+ /, '') }));
}

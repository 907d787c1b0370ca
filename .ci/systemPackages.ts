// What the tests need of the operating system: looked up, and installed where this is root on a Debian.
import { spawnSync } from 'node:child_process';

/** A screen, a session bus, what Electron links to, the browser of the renderer's tests, Chinese glyphs, eBPF. */
const wanted = [
  'xvfb',
  'xauth',
  'dbus',
  'dbus-x11',
  'libgtk-3-0',
  'libnss3',
  'libasound2',
  'libgbm1',
  'libdrm2',
  'libnotify4',
  'libxss1',
  'libxtst6',
  'chromium',
  'fonts-noto-cjk',
  'bpftrace',
];

/** Installs what is missing and can be installed. Returns what is still missing; empty where all is there. */
export function bringSystemPackages(): readonly string[] {
  if (process.platform !== 'linux' || !has('dpkg-query')) return [];
  const missing = wanted.filter((name) => !isInstalled(name));
  if (missing.length === 0) return [];
  if (process.getuid?.() !== 0 || !has('apt-get')) return missing;
  console.log(`test: installing ${missing.join(' ')}`);
  run(['update', '-qq']);
  // Names differ between releases; one that does not exist must not keep the others away.
  if (!run(['install', ...missing])) for (const name of missing) run(['install', name]);
  return missing.filter((name) => !isInstalled(name));
}

function run(words: readonly string[]): boolean {
  const [verb = '', ...rest] = words;
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const done = spawnSync('apt-get', [verb, '-y', '--no-install-recommends', ...rest], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return done.status === 0;
}

function isInstalled(name: string): boolean {
  const asked = spawnSync('dpkg-query', ['-W', '-f=${db:Status-Status} ', name], { encoding: 'utf8' });
  return asked.stdout.split(' ').includes('installed');
}

export const has = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;

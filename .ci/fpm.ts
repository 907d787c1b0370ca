#!/usr/bin/env node
// Stands in for `fpm -s dir -t deb` as electron-builder calls it (CUSTOM_FPM_PATH): needs Debian's dpkg-deb only.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

interface Order {
  readonly single: ReadonlyMap<string, string>;
  readonly depends: readonly string[];
  readonly recommends: readonly string[];
  /** `source=destination` */
  readonly folders: readonly string[];
}
const withoutValue = new Set(['force', 'debug']);

const order = readOrder(process.argv.slice(2));
if (order.single.get('t') !== 'deb') throw new Error(`fpm stand-in: ${order.single.get('t') ?? 'no'} target`);
const stage = mkdtempSync(join(tmpdir(), 'millrace-deb-'));
try {
  packDeb(order, stage);
} finally {
  rmSync(stage, { recursive: true, force: true });
}

function packDeb(wanted: Order, folder: string): void {
  for (const pair of wanted.folders) {
    const [source = '', target = ''] = pair.split('=');
    const to = join(folder, target);
    mkdirSync(dirname(to), { recursive: true });
    cpSync(source, to, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true });
  }
  setModes(folder);
  const size = execFileSync('du', ['-sk', folder], { encoding: 'utf8' }).split('\t')[0] ?? '0';
  const debian = join(folder, 'DEBIAN');
  mkdirSync(debian);
  writeFileSync(join(debian, 'control'), controlFile(wanted, size));
  for (const [option, name] of [
    ['after-install', 'postinst'],
    ['after-remove', 'postrm'],
  ] as const) {
    const script = wanted.single.get(option);
    if (script === undefined) continue;
    writeFileSync(join(debian, name), readFileSync(script));
    chmodSync(join(debian, name), 0o755);
  }
  const target = wanted.single.get('package') ?? 'millrace.deb';
  const pack = ['--root-owner-group', '-Zxz', '-z3', '--build', folder, target];
  execFileSync('dpkg-deb', pack, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function controlFile(wanted: Order, sizeKiB: string): string {
  const option = (name: string): string => wanted.single.get(name) ?? '';
  const [summary = '', ...long] = option('description').split('\n');
  const iteration = option('iteration');
  const lines: [string, string][] = [
    ['Package', option('name')],
    ['Version', iteration === '' ? option('version') : `${option('version')}-${iteration}`],
    ['Architecture', option('architecture')],
    ['Maintainer', option('maintainer')],
    ['Installed-Size', sizeKiB],
    ['Depends', wanted.depends.join(', ')],
    ['Recommends', wanted.recommends.join(', ')],
    ['Conflicts', option('conflicts')],
    ['Section', option('category')],
    ['Priority', option('deb-priority')],
    ['Homepage', option('url')],
    ['Description', [summary.trim(), ...long.map((line) => ` ${line.trim() || '.'}`)].join('\n')],
  ];
  return lines
    .filter(([, value]) => value !== '')
    .map(([key, value]) => `${key}: ${value}\n`)
    .join('');
}

function setModes(path: string): void {
  const found = statSync(path);
  if (!found.isDirectory()) {
    chmodSync(path, found.mode & 0o111 ? 0o755 : 0o644);
    return;
  }
  chmodSync(path, 0o755);
  for (const name of readdirSync(path)) setModes(join(path, name));
}

function readOrder(words: readonly string[]): Order {
  const single = new Map<string, string>();
  const lists: Record<string, string[]> = { d: [], 'deb-recommends': [] };
  const folders: string[] = [];
  const left = [...words];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    const name = word.replace(/^-+/, '');
    if (!word.startsWith('-')) folders.push(word);
    else if (!withoutValue.has(name)) {
      const value = left.shift() ?? '';
      const list = lists[name];
      if (list) list.push(value);
      else single.set(name, value);
    }
  }
  return { single, depends: lists['d'] ?? [], recommends: lists['deb-recommends'] ?? [], folders };
}

